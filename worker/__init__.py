"""Wake, claim, deliver, settle: the process that sends."""
