"""What each pane shows, as pure functions of a picture."""
