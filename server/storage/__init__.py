"""Where rows and pictures are kept."""
