//! Jobs, what each needs, and the Debian packages that bring it.

use lab::BrowserKind;

use crate::shell;

/// What somebody is about to do; each needs a little more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    /// Compile everything.
    Build,
    /// Format and lint.
    Check,
    /// Speak and listen through a sound card that is none.
    SoundCard,
    /// Make namespaces in which there is only a loopback interface.
    Namespaces,
    /// Build networks of namespaces with NATs, relays and bad cables in them; beside [`Self::Namespaces`].
    Laboratory,
    /// Judge recorded speech with PESQ and STOI; whatever else runs in Python.
    Quality,
    /// Open pages in browsers.
    Browser,
    /// Join servers through a message broker.
    Broker,
    /// Run programs on Node, with packages of npm.
    Node,
}

/// Something that must be there, how to see that it is, and the Debian packages that bring it.
pub(crate) struct Need {
    pub(crate) what: &'static str,
    pub(crate) job: Job,
    pub(crate) only_linux: bool,
    pub(crate) present: fn() -> bool,
    pub(crate) debian: &'static [&'static str],
}

pub(crate) const NEEDS: &[Need] = &[
    Need {
        what: "a C compiler (cc)",
        job: Job::Build,
        only_linux: false,
        present: c_compiler,
        debian: &["gcc", "libc6-dev"],
    },
    Need {
        what: "make",
        job: Job::Build,
        only_linux: true,
        present: || shell::find("make").is_some(),
        debian: &["make"],
    },
    Need {
        what: "cmake",
        job: Job::Build,
        only_linux: false,
        present: || shell::find("cmake").is_some(),
        debian: &["cmake"],
    },
    Need {
        what: "pkg-config",
        job: Job::Build,
        only_linux: true,
        present: || shell::find("pkg-config").is_some(),
        debian: &["pkg-config"],
    },
    Need {
        what: "the ALSA headers",
        job: Job::Build,
        only_linux: true,
        present: alsa_headers,
        debian: &["libasound2-dev"],
    },
    Need {
        what: "PulseAudio, a sound card without hardware",
        job: Job::SoundCard,
        only_linux: true,
        present: || shell::find("pulseaudio").is_some(),
        debian: &["pulseaudio"],
    },
    Need {
        what: "pactl, parec and paplay (pulseaudio-utils)",
        job: Job::SoundCard,
        only_linux: true,
        present: sound_tools,
        debian: &["pulseaudio-utils"],
    },
    Need {
        what: "ip and ss (iproute2)",
        job: Job::Namespaces,
        only_linux: true,
        present: || shell::find("ip").is_some() && shell::find("ss").is_some(),
        debian: &["iproute2"],
    },
    Need {
        what: "unshare and nsenter",
        job: Job::Namespaces,
        only_linux: true,
        present: namespace_tools,
        debian: &["util-linux"],
    },
    Need {
        what: "nft (nftables)",
        job: Job::Laboratory,
        only_linux: true,
        present: || shell::find("nft").is_some(),
        debian: &["nftables"],
    },
    Need {
        what: "conntrack",
        job: Job::Laboratory,
        only_linux: true,
        present: || shell::find("conntrack").is_some(),
        debian: &["conntrack"],
    },
    Need {
        what: "sysctl (procps)",
        job: Job::Laboratory,
        only_linux: true,
        present: || shell::find("sysctl").is_some(),
        debian: &["procps"],
    },
    Need {
        what: "openssl",
        job: Job::Laboratory,
        only_linux: true,
        present: || shell::find("openssl").is_some(),
        debian: &["openssl"],
    },
    Need {
        what: "socat",
        job: Job::Laboratory,
        only_linux: true,
        present: || shell::find("socat").is_some(),
        debian: &["socat"],
    },
    Need {
        what: "turnserver (coturn)",
        job: Job::Laboratory,
        only_linux: true,
        present: || shell::find("turnserver").is_some(),
        debian: &["coturn"],
    },
    Need {
        what: "pebble, an authority for tests",
        job: Job::Laboratory,
        only_linux: true,
        present: || {
            ["pebble", "pebble-challtestsrv"]
                .iter()
                .all(|name| shell::find(name).is_some())
        },
        debian: &["pebble"],
    },
    Need {
        what: "python3 with venv",
        job: Job::Quality,
        only_linux: false,
        present: python_venv,
        debian: &["python3", "python3-venv"],
    },
    Need {
        what: "python3's C headers",
        job: Job::Quality,
        only_linux: false,
        present: python_headers,
        debian: &["python3-dev"],
    },
    Need {
        what: "Chromium",
        job: Job::Browser,
        only_linux: true,
        present: || BrowserKind::Chromium.program().is_some(),
        debian: &["chromium"],
    },
    Need {
        what: "Firefox",
        job: Job::Browser,
        only_linux: true,
        present: || BrowserKind::Firefox.program().is_some(),
        debian: &["firefox-esr"],
    },
    Need {
        what: "nats-server",
        job: Job::Broker,
        only_linux: true,
        present: || shell::find("nats-server").is_some(),
        debian: &["nats-server"],
    },
    Need {
        what: "node (nodejs)",
        job: Job::Node,
        only_linux: false,
        present: || shell::find("node").is_some(),
        debian: &["nodejs"],
    },
    Need {
        what: "npm",
        job: Job::Node,
        only_linux: false,
        present: || shell::find("npm").is_some(),
        debian: &["npm"],
    },
];

fn c_compiler() -> bool {
    ["cc", "gcc", "clang", "cl"]
        .iter()
        .any(|name| shell::find(name).is_some())
}

fn alsa_headers() -> bool {
    shell::works("pkg-config", &["--exists", "alsa"])
}

fn sound_tools() -> bool {
    ["pactl", "parec", "paplay"]
        .iter()
        .all(|name| shell::find(name).is_some())
}

fn namespace_tools() -> bool {
    shell::find("unshare").is_some() && shell::find("nsenter").is_some()
}

fn python_venv() -> bool {
    shell::works("python3", &["-c", "import venv, ensurepip"])
}

fn python_headers() -> bool {
    let question = "import os, sys, sysconfig as s; sys.exit(not os.path.exists(os.path.join(s.get_path('include'), 'Python.h')))";
    shell::works("python3", &["-c", question])
}
