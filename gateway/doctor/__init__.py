"""`checkpoint-gateway doctor`: looks at everything that a gate needs, and says what to do."""
