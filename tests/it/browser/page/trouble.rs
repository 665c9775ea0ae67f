//! The page in trouble: a path that falls silent, calls that cross, a server that restarts, and whoever means ill.

mod glare;
mod hostile;
mod restart;
mod silence;
mod states;
