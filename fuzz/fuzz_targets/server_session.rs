//! See `pop3_proto::fuzzing::server_session`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| pop3_proto::fuzzing::server_session(data));
