package dockerfile

// runs lists the checks of what RUN lines do.
func runs() []Check { return nil }
