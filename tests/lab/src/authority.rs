//! A certificate authority of the laboratory's own, for the TLS servers in it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::scratch::Scratch;
use crate::shell;

/// Its certificate is what `--ca` wants.
#[derive(Debug)]
pub struct Authority {
    folder: Scratch,
}

const KEY: [&str; 5] = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
];

impl Authority {
    /// A new one, known to nobody.
    ///
    /// # Errors
    /// When `openssl` is missing or fails.
    pub fn new() -> Result<Self> {
        let folder = Scratch::new()?;
        let (key, certificate) = (folder.file("ca.key"), folder.file("ca.pem"));
        let mut command = Command::new("openssl");
        command
            .args(["req", "-x509", "-days", "2", "-subj", "/CN=laboratory"])
            .args(KEY)
            .arg("-keyout")
            .arg(key)
            .arg("-out")
            .arg(certificate);
        shell::feed(&mut command, "").context("cannot make an authority")?;
        Ok(Self { folder })
    }

    /// The authority's own certificate, PEM.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.file("ca.pem")
    }

    /// A certificate for these names (`DNS:turn.test,IP:203.0.113.1`): the files of the certificate and of its key, PEM.
    ///
    /// # Errors
    /// When `openssl` fails.
    pub fn issue(&self, names: &str) -> Result<(PathBuf, PathBuf)> {
        let file = |name: &str| self.folder.file(name);
        let (request, extensions) = (file("request.pem"), file("extensions"));
        fs::write(&extensions, format!("subjectAltName={names}\n"))
            .with_context(|| format!("cannot write {}", extensions.display()))?;
        let (key, certificate) = (file("server.key"), file("server.pem"));
        let mut command = Command::new("openssl");
        command
            .args(["req", "-new", "-subj", "/CN=server"])
            .args(KEY)
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&request);
        shell::feed(&mut command, "").context("cannot ask for a certificate")?;
        let mut command = Command::new("openssl");
        command
            .args(["x509", "-req", "-days", "2", "-CAcreateserial", "-in"])
            .arg(&request)
            .arg("-CA")
            .arg(self.certificate())
            .arg("-CAkey")
            .arg(file("ca.key"))
            .arg("-extfile")
            .arg(&extensions)
            .arg("-out")
            .arg(&certificate);
        shell::feed(&mut command, "").context("cannot issue a certificate")?;
        Ok((certificate, key))
    }
}
