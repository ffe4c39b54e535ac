"""What the gate says and shows: from a decision's word for it to devices that can present it."""

from gateway.prompts.prompter import Prompter
from gateway.prompts.wording import LANGUAGES, blanks, urgency, worded

__all__ = ["LANGUAGES", "Prompter", "blanks", "urgency", "worded"]
