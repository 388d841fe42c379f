// placeholder while this module is being written
