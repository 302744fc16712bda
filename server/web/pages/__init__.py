"""What people see of the centre: the pages, their shell and their parts, on NiceGUI.

Nothing that a camera wrote becomes markup, script or a style here: it is text in every place.
"""
