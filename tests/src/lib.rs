//! What tests of more than one crate share. The tests themselves are one program: `it/`.
