//! The text of one frame, shared by all who hear it.

use bytes::Bytes;

/// UTF-8 that is cheap to clone: one allocation however many queues it waits in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text(Bytes);

impl Text {
    pub(crate) fn as_str(&self) -> &str {
        // Made from a string and never changed: the other arm is not reached.
        str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// The same allocation once more.
    pub(crate) fn bytes(&self) -> Bytes {
        self.0.clone()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Text {
    /// Copies, so that a short frame does not keep the buffer alive that it was read into.
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}
