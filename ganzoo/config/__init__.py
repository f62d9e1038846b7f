"""From the text of a recipe to the experiment that it describes."""
