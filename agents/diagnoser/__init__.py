"""The diagnoser: names root causes from what the API says, without a language model."""
