//! Those who know nothing but the broadcast: the page and the server of the common tutorials.

mod calls;
mod client;
mod page;
mod server;

pub(crate) use server::TutorialServer;
