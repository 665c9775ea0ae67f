#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tempfile::TempDir;

use super::*;

/// A certificate and its key in files.
struct Pair {
    folder: TempDir,
}

impl Pair {
    fn new(names: &[&str]) -> Self {
        Self::until(names, 2100)
    }

    fn until(names: &[&str], year: i32) -> Self {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_after = date_time_ymd(year, 1, 2);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let pair = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::write(pair.certificate(), certificate.pem()).unwrap();
        fs::write(pair.key(), key.serialize_pem()).unwrap();
        pair
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    fn tls(&self) -> anyhow::Result<Tls> {
        Tls::from_files(&self.certificate(), &self.key())
    }

    fn why(&self) -> String {
        let why = format!("{:#}", self.tls().unwrap_err());
        why.replace(self.folder.path().to_str().unwrap(), "")
    }
}

#[test]
fn names_and_end_are_known() {
    let pair = Pair::new(&["peer.example", "*.peer.example", "192.0.2.1", "::1"]);
    let tls = pair.tls().unwrap();
    assert_eq!(tls.names(), ["peer.example", "192.0.2.1", "::1"]);
    let expires = tls.reload().unwrap().unwrap();
    assert!(expires.contains("2100"), "{expires}");
}

#[test]
fn files_that_are_wrong_are_named() {
    let pair = Pair::new(&["a.example"]);
    fs::write(pair.key(), Pair::new(&["a.example"]).keys()).unwrap();
    assert_eq!(
        pair.why(),
        "--tls-key /key.pem is not the key of --tls-cert /cert.pem"
    );
    fs::write(pair.key(), "nothing").unwrap();
    assert_eq!(
        pair.why(),
        "--tls-key /key.pem: no private key in it: it holds one as PEM, unencrypted"
    );
    fs::remove_file(pair.key()).unwrap();
    assert!(
        pair.why().starts_with("--tls-key /key.pem: No such file"),
        "{}",
        pair.why()
    );
    fs::write(pair.certificate(), "").unwrap();
    assert!(
        pair.why()
            .starts_with("--tls-cert /cert.pem: no certificate in it"),
        "{}",
        pair.why()
    );
    let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(pair.certificate(), junk).unwrap();
    assert_eq!(
        pair.why(),
        "--tls-cert /cert.pem: the first certificate is not one"
    );
}

impl Pair {
    fn keys(&self) -> String {
        fs::read_to_string(self.key()).unwrap()
    }
}

#[test]
fn a_new_certificate_is_taken_and_a_wrong_one_is_not() {
    let pair = Pair::new(&["old.example"]);
    let tls = pair.tls().unwrap();
    let new = Pair::new(&["new.example"]);
    fs::copy(new.certificate(), pair.certificate()).unwrap();
    let why = tls.reload().unwrap_err().to_string();
    assert!(why.contains("is not the key of"), "{why}");
    assert_eq!(tls.names(), ["old.example"]);
    fs::copy(new.key(), pair.key()).unwrap();
    tls.reload().unwrap();
    assert_eq!(tls.names(), ["new.example"]);
}

#[test]
fn one_that_has_expired_serves_and_is_known_to() {
    let why = facts(&Pair::until(&["a.example"], 1999))
        .unusable_now()
        .unwrap();
    assert!(
        why.starts_with("the certificate has expired (") && why.contains("1999"),
        "{why}"
    );
    assert_eq!(facts(&Pair::new(&["a.example"])).unusable_now(), None);
}

fn facts(pair: &Pair) -> Facts {
    match pair.tls().unwrap().source {
        Source::Files(_, shown) => shown.current().facts,
        Source::Acme { .. } => panic!("from files"),
    }
}
