"""`checkpoint-gateway aim`: what somebody needs who mounts a camera, on a page and in the terminal.

The content of the code that is held up is shown nowhere.
"""
