//! What Firefox is told before it starts (`user.js`). Much beside it sets itself, since it is remote-controlled.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::browser::options::{BrowserOptions, Microphone};

/// A page that nobody sees is served like one that somebody looks at; and its WebRTC finds a peer on this machine.
fn always() -> Value {
    json!({
        "media.autoplay.blocking_policy": 0,
        "media.block-autoplay-until-in-foreground": false,
        "media.peerconnection.ice.loopback": true,
        "dom.min_background_timeout_value": 4,
        "dom.timeout.enable_budget_timer_throttling": false,
        "focusmanager.testmode": true,
        "widget.windows.window_occlusion_tracking.enabled": false,
        "browser.startup.page": 0,
        "browser.startup.homepage": "about:blank",
        "browser.shell.checkDefaultBrowser": false,
        "browser.aboutwelcome.enabled": false,
    })
}

/// Nothing is fetched but what a page asks for.
fn quiet() -> Value {
    json!({
        "network.proxy.type": 0,
        "network.captive-portal-service.enabled": false,
        "network.connectivity-service.enabled": false,
        "network.dns.disablePrefetch": true,
        "network.prefetch-next": false,
        "network.http.speculative-parallel-limit": 0,
        "network.trr.mode": 5,
        "network.manage-offline-status": false,
        "security.mixed_content.upgrade_display_content": false,
        "datareporting.healthreport.uploadEnabled": false,
        "datareporting.policy.dataSubmissionEnabled": false,
        "toolkit.telemetry.enabled": false,
        "toolkit.telemetry.server": "data:,",
        "app.update.disabledForTesting": true,
        "app.normandy.enabled": false,
        "browser.safebrowsing.malware.enabled": false,
        "browser.safebrowsing.phishing.enabled": false,
        "browser.safebrowsing.blockedURIs.enabled": false,
        "browser.safebrowsing.downloads.enabled": false,
        "browser.safebrowsing.update.enabled": false,
        "browser.search.update": false,
        "browser.region.network.url": "",
        "browser.newtabpage.enabled": false,
        "browser.newtabpage.activity-stream.feeds.telemetry": false,
        "browser.topsites.contile.enabled": false,
        "dom.push.connection.enabled": false,
        "extensions.update.enabled": false,
        "extensions.getAddons.cache.enabled": false,
        "extensions.systemAddon.update.enabled": false,
        "media.gmp-manager.updateEnabled": false,
        "media.gmp-manager.url": "data:,",
        "media.gmp-provider.enabled": false,
        "security.OCSP.enabled": 0,
        "services.settings.server": "data:,",
    })
}

fn chosen(options: &BrowserOptions) -> Value {
    // The default of a page that asks: 2 is no.
    let denied = options.microphone == Microphone::Denied;
    let hertz = match options.microphone {
        Microphone::Tone(hertz) => hertz,
        _ => 1000,
    };
    let hosts: Vec<&str> = options.secure.iter().map(|origin| host(origin)).collect();
    json!({
        "media.navigator.streams.fake": options.microphone != Microphone::None,
        "media.navigator.audio.fake_frequency": hertz,
        "media.navigator.permission.disabled": !denied,
        "permissions.default.microphone": if denied { 2 } else { 0 },
        "media.peerconnection.ice.obfuscate_host_addresses": options.hides_addresses,
        "dom.securecontext.allowlist": hosts.join(","),
        // 0 plays all, 1 nothing that is heard.
        "media.autoplay.default": i32::from(options.silent),
        "network.dns.localDomains": options.names.join(","),
        // 0 is dark, 1 is light.
        "layout.css.prefers-color-scheme.content-override": i32::from(!options.dark),
    })
}

/// Of an origin.
fn host(origin: &str) -> &str {
    let (_, rest) = origin.split_once("://").unwrap_or(("", origin));
    rest.split_once(':').map_or(rest, |(host, _)| host)
}

/// Writes them all to this file.
pub(super) fn write(options: &BrowserOptions, file: &Path) -> Result<()> {
    let mut lines = String::new();
    for preferences in [always(), quiet(), chosen(options)] {
        for (name, value) in preferences.as_object().into_iter().flatten() {
            lines += &format!("user_pref({}, {value});\n", json!(name));
        }
    }
    fs::write(file, lines).with_context(|| format!("cannot write {}", file.display()))
}
