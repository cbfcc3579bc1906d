"""Condition = prompts: name a sound in words, get it out of the mixture."""
