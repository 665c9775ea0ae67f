//! What whoever comes in may do, whoever vouches for it.

use shared::{Hello, Name, Role, Room, SUBPROTOCOL};

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
        match self.only_role() {
            Some(role) if role != hello.role => Err(format!(
                "this client may come in for \"{}\", not for \"{}\"",
                role.as_str(),
                hello.role.as_str()
            )),
            _ => Ok(self.name.clone().or_else(|| hello.name.clone())),
        }
    }

    /// Whether somebody may come in who says no `hello`, and so has no role.
    pub(crate) fn admits_unseen(&self) -> Result<(), String> {
        self.only_role().map_or(Ok(()), |role| {
            Err(format!(
                "this client may come in for \"{}\", and has to say so: {SUBPROTOCOL}",
                role.as_str()
            ))
        })
    }

    fn only_role(&self) -> Option<Role> {
        self.role.filter(|role| *role != Role::Either)
    }
}
