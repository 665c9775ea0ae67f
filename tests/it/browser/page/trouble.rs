//! The page in trouble: a path that falls silent, calls that cross, a server that restarts, and whoever means ill.

mod silence;
