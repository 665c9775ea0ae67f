use cpal::{Error, ErrorKind};

use super::*;
use crate::audio::ErrorClass;

#[test]
fn devices_are_found_by_number_name_identifier_and_part() {
    let all = [
        ("Built-in Audio", "alsa.0"),
        ("USB Headset", "alsa.1"),
        ("USB Camera", "alsa.2"),
    ];
    let name = |name: &str| pick(&all, &Choice::Name(name.to_owned()));
    assert_eq!(pick(&all, &Choice::Index(2)), Ok(2));
    assert_eq!(pick(&all, &Choice::Index(3)), Err("not found".to_owned()));
    assert_eq!(name("USB Camera"), Ok(2));
    assert_eq!(name("alsa.1"), Ok(1));
    assert_eq!(name("headset"), Ok(1));
    assert_eq!(name("usb"), Err("several devices are called so".to_owned()));
    assert_eq!(name("Bluetooth"), Err("not found".to_owned()));
}

#[test]
fn a_missing_device_is_an_error_that_names_it() {
    let choice = Choice::Name("no such device 7f3a".to_owned());
    let errors = [
        open_source(&choice, Channels::Mono).err(),
        open_sink(&choice, Channels::Mono).err(),
        open_source(&Choice::Index(9999), Channels::Mono).err(),
    ];
    for error in errors {
        let error = error.map(|error| (error.class(), error.to_string()));
        assert!(
            error
                .as_ref()
                .is_some_and(|(class, text)| *class == ErrorClass::Device
                    && (text.contains("7f3a") || text.contains("#9999"))
                    && text.contains("not found")),
            "{error:?}"
        );
    }
}

#[test]
fn a_default_device_works_or_is_missing_and_never_a_named_error() {
    let errors = [
        open_source(&Choice::Default, Channels::Mono).err(),
        open_sink(&Choice::Default, Channels::Mono).err(),
    ];
    for error in errors.into_iter().flatten() {
        assert_eq!(error.class(), ErrorClass::NoDevice, "{error}");
    }
    assert!(devices().is_ok());
}

#[test]
fn the_many_names_of_one_card_are_left_out() {
    for id in [
        "default",
        "pipewire",
        "plughw:CARD=PCH,DEV=0",
        "alsa_output.pci-0000_00_1f.3.analog-stereo",
    ] {
        assert!(system::is_useful(id), "{id}");
    }
    for id in [
        "null",
        "hw:CARD=PCH,DEV=0",
        "plughw:CARD=0,DEV=0",
        "surround51:CARD=PCH,DEV=0",
        "dmix:CARD=PCH,DEV=0",
    ] {
        assert!(!system::is_useful(id), "{id}");
    }
}

#[test]
fn what_the_system_says_is_told_with_the_way_out() {
    for (kind, said) in [
        (
            ErrorKind::DeviceBusy,
            "busy: another program uses it (end that one, or choose another device)",
        ),
        (ErrorKind::DeviceNotAvailable, "not there, or unplugged"),
        (
            ErrorKind::PermissionDenied,
            "permission denied (on Linux: is the user in the group \"audio\"?)",
        ),
        (
            ErrorKind::HostUnavailable,
            "the sound system does not answer",
        ),
        (ErrorKind::Other, "the sound system failed"),
    ] {
        assert_eq!(words(&Error::new(kind)), said);
    }
    let detailed = Error::with_message(ErrorKind::UnsupportedConfig, "no 48 kHz");
    assert_eq!(words(&detailed), "it cannot do what is needed (no 48 kHz)");
}

#[test]
fn a_busy_device_is_an_error_only_where_it_was_named() {
    let busy = || AudioError::Device {
        kind: DeviceKind::Input,
        name: "USB".to_owned(),
        reason: words(&Error::new(ErrorKind::DeviceBusy)),
        devices: Vec::new(),
    };
    let named = unusable(busy(), &Choice::Name("USB".to_owned()));
    let default = unusable(busy(), &Choice::Default);
    assert_eq!(
        (named.class(), default.class()),
        (ErrorClass::Device, ErrorClass::NoDevice)
    );
    for error in [named, default] {
        assert!(error.to_string().contains("busy: another"), "{error}");
    }
}
