"""The randomiser's result, the gate that it must pass, and the dose that follows. Nothing here allocates or enrols."""
