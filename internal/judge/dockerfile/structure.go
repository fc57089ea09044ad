package dockerfile

// structure lists the checks that are not about what RUN lines do.
func structure() []Check { return nil }
