//! See `pop3_proto::fuzzing::login`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| pop3_proto::fuzzing::login(data));
