"""The screens: a stage, a selection, panels and collaborators."""
