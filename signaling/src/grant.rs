//! What whoever comes in may do, whoever vouches for it.

use shared::{Hello, Name, Role, Room};

/// Nothing is fixed where there is nothing here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    /// The one room.
    pub room: Option<Room>,
    /// What others see, whatever the client says.
    pub name: Option<Name>,
    /// The one role.
    pub role: Option<Role>,
}

impl Grant {
    /// The name that counts, if this greeting is permitted.
    pub(crate) fn admits(&self, hello: &Hello) -> Result<Option<Name>, String> {
        match self.role {
            Some(role) if role != hello.role && role != Role::Either => Err(format!(
                "this client may come in for \"{}\", not for \"{}\"",
                role.as_str(),
                hello.role.as_str()
            )),
            _ => Ok(self.name.clone().or_else(|| hello.name.clone())),
        }
    }
}
