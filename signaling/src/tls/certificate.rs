//! What a certificate says about itself: RFC 5280.

use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::anyhow;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// What people are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    /// Its subject's names and addresses, without those that stand for many.
    pub(super) names: Vec<String>,
    /// When it ends, for people.
    pub(super) expires: String,
    begins: String,
    /// Seconds since 1970.
    validity: (i64, i64),
}

impl Facts {
    pub(super) fn read(der: &[u8]) -> anyhow::Result<Self> {
        let (_, certificate) = X509Certificate::from_der(der)
            .map_err(|_| anyhow!("the first certificate is not one"))?;
        let validity = certificate.validity();
        let alternatives = certificate.subject_alternative_name().ok().flatten();
        let names = alternatives
            .iter()
            .flat_map(|names| &names.value.general_names);
        Ok(Self {
            names: names.filter_map(name).collect(),
            expires: validity.not_after.to_string(),
            begins: validity.not_before.to_string(),
            validity: (
                validity.not_before.timestamp(),
                validity.not_after.timestamp(),
            ),
        })
    }

    /// Why no client takes it at the moment.
    pub(super) fn unusable_now(&self) -> Option<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        });
        self.unusable(now)
    }

    fn unusable(&self, now: i64) -> Option<String> {
        let (from, to) = self.validity;
        if now > to {
            Some(format!("the certificate has expired ({})", self.expires))
        } else if now < from {
            Some(format!(
                "the certificate is not valid yet ({})",
                self.begins
            ))
        } else {
            None
        }
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) if !name.contains('*') => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => ip(bytes).map(|ip| ip.to_string()),
        _ => None,
    }
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}
