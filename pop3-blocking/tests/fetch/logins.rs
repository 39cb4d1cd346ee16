//! Ways to log in, and what is told of them.

use pop3_blocking::pop3_proto::Base64;

use crate::program::end;
use crate::scripted::{Server, say};
use crate::{Fetch, PASSWORD};

fn base64(octets: &str) -> String {
    String::from_utf8(Base64::encode(octets.as_bytes()).expose().to_vec()).unwrap()
}

/// A server that announces USER and these mechanisms.
fn announcing(mechanisms: &str) -> Server {
    let list = format!("+OK\r\nUIDL\r\nUSER\r\nSASL {mechanisms}\r\n.\r\n");
    Server::new(&[]).instead("CAPA", say(&list))
}

/// What a server is told before LIST, but for CAPA.
fn login(server: &Server) -> Vec<String> {
    let log = server.log();
    log.into_iter().take_while(|line| line != "LIST").filter(|line| line != "CAPA").collect()
}

/// R2384-4.01, R2384-4.02, R2384-4.03, R1939-7.03: what is asked for is what is done.
#[test]
fn a_login_is_made_in_the_way_that_is_asked_for() {
    let mut fetch = Fetch::new("ways");
    let token = fetch.file("token", "vF9dft4qmTc\r\nsecond line\n");
    let user = || vec!["USER mrose".to_owned(), "PASS tanstaaf".to_owned()];
    let apop = || vec!["APOP mrose c4c9334bac560ecc979e58001b3e22fb".to_owned()];
    let plain = || vec![format!("AUTH PLAIN {}", base64("\0mrose\0tanstaaf"))];
    let anonymous = || vec![format!("AUTH ANONYMOUS {}", base64("mrose"))];
    let bearer = base64("n,a=mrose,\x01auth=Bearer vF9dft4qmTc\x01\x01");
    let bearer = || vec![format!("AUTH OAUTHBEARER {bearer}")];
    let xoauth2 = base64("user=mrose\x01auth=Bearer vF9dft4qmTc\x01\x01");
    let xoauth2 = || vec!["AUTH XOAUTH2".to_owned(), xoauth2.clone()];
    let token = ["--token-file", token];
    let all = "PLAIN XOAUTH2 OAUTHBEARER ANONYMOUS";
    for (announced, parameter, options, method, told) in [
        (all, "", &[][..], "PLAIN", plain()),
        ("ANONYMOUS", "", &[], "USER", user()),
        (all, "", &["--auth", "USER"], "USER", user()),
        (all, "", &["--auth", "apop"], "APOP", apop()),
        (all, ";AUTH=+APOP", &[], "APOP", apop()),
        (all, ";AUTH=+apop", &["--auth", "APOP"], "APOP", apop()),
        (all, ";AUTH=*", &["--auth", "user"], "USER", user()),
        ("LOGIN PLAIN", ";AUTH=plain", &["--auth", "Plain"], "PLAIN", plain()),
        (all, "", &["--auth", "ANONYMOUS"], "ANONYMOUS", anonymous()),
        (all, "", &token, "OAUTHBEARER", bearer()),
        ("PLAIN XOAUTH2", "", &token, "XOAUTH2", xoauth2()),
        (all, ";AUTH=XOAUTH2", &token, "XOAUTH2", xoauth2()),
    ] {
        let server = announcing(announced)
            .instead("", say("+OK <1896.697170952@dbc.mtview.ca.us>\r\n"))
            .instead("AUTH XOAUTH2", say("+ \r\n"));
        // What needs no password asks for none.
        let needs = matches!(method, "PLAIN" | "USER" | "APOP");
        fetch.password = if needs { PASSWORD.to_owned() } else { String::new() };
        let url = format!("pop://mrose{parameter}@127.0.0.1:{}", server.port);
        let said = end(&mut fetch.command(&url, &[options, &["--list"]].concat()));
        said.exit(0).says(&format!("logged in by {method} in clear\n"));
        assert_eq!(login(&server), told, "{announced} {parameter} {options:?}");
    }
}

/// One way is tried; where it fails no other is.
#[test]
fn a_login_that_is_refused_is_tried_in_no_other_way() {
    let fetch = Fetch::new("no-other-way");
    for (command, options, said) in [
        ("AUTH CRAM-MD5", &["--auth", "cram-md5"][..], "refused the login by CRAM-MD5: [AUTH] no"),
        ("AUTH SCRAM-SHA-256", &[], "refused the login by SCRAM-SHA-256: [AUTH] no"),
        ("AUTH LOGIN", &["--auth", "LOGIN"], "refused the login by LOGIN: [AUTH] no"),
    ] {
        let server = announcing("CRAM-MD5 SCRAM-SHA-256 PLAIN LOGIN")
            .instead(command, say("-ERR [AUTH] no\r\n"));
        fetch.run(&server, options).exit(1).says(said).says_not("logged in");
        let told = login(&server);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with(command) && told[1] == "QUIT", "{told:?}");
    }
    let server = announcing("GSSAPI");
    fetch
        .run(&server, &["--token-file", fetch.file("token", "vF9dft4qmTc")])
        .exit(1)
        .says("login failed: the server offers no acceptable way to log in; it announces GSSAPI");
    assert_eq!(login(&server), ["QUIT"]);
}

/// R7628-3.2.3.01, I10: what the server says of a token is shown, and the token is not.
#[test]
fn a_refused_token_is_told_with_its_reason() {
    let fetch = Fetch::new("token");
    let token = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg";
    let options = ["--token-file", fetch.file("token", token)];
    let initial = base64(&format!("n,a=mrose,\x01auth=Bearer {token}\x01\x01"));
    let auth = format!("AUTH OAUTHBEARER {initial}");
    let json = r#"{"status":"invalid_token","scope":"mail"}"#;
    let expired = say(&format!("+ {}\r\n", base64(json)));
    let server = announcing("OAUTHBEARER")
        .instead(&auth, expired.clone())
        .instead("AQ==", say("-ERR [AUTH] it has expired\r\n"));
    fetch
        .run(&server, &options)
        .exit(1)
        .says("the login by OAUTHBEARER: [AUTH] it has expired")
        .says(json)
        .says_not(token);
    assert_eq!(login(&server), [auth.as_str(), "AQ==", "QUIT"]);

    let detail = say(&format!("+ {}\r\n", base64(&format!(r#"{{"token":"{token}"}}"#))));
    let cut = say(&format!("-ERR what is {}?\r\n", &initial[..60]));
    for (first, last) in [
        (detail, say("-ERR no\r\n")),
        (expired.clone(), say(&format!("-ERR what is {token}?\r\n"))),
        (expired.clone(), say(&format!("-ERR what is {}?\r\n", &token[..20]))),
        (expired, cut),
    ] {
        let server = announcing("OAUTHBEARER").instead(&auth, first).instead("AQ==", last);
        let said = fetch.run(&server, &options).exit(1).says("withheld");
        said.says_not(&token[..20]).says_not(&initial[40..60]);
    }
}

/// I8: a challenge that cannot be one ends the exchange, and it is said who gave up and why.
#[test]
fn a_login_that_is_given_up_is_told_with_its_reason() {
    let fetch = Fetch::new("given-up");
    let server = announcing("CRAM-MD5")
        .instead("AUTH CRAM-MD5", say("+ no base64!\r\n"))
        .instead("*", say("-ERR as you like\r\n"));
    fetch
        .run(&server, &["--leniency", "strict"])
        .exit(1)
        .says("the login by CRAM-MD5 was given up: the server's challenge is malformed")
        .says("the server said: as you like");
    assert_eq!(login(&server), ["AUTH CRAM-MD5", "*", "QUIT"]);
}

#[test]
fn the_password_is_never_shown() {
    let fetch = Fetch::new("echo");
    for echo in ["-ERR 'tanstaaf' is wrong\r\n", "what is tanstaaf?\r\n"] {
        let server = Server::new(&[]).instead("PASS tanstaaf", say(echo));
        fetch.run(&server, &[]).exit(1).says("login failed").says_not(PASSWORD);
    }
    let server = Server::new(&[]).instead("PASS tanstaaf", say("-ERR [AUTH] no\r\n"));
    fetch
        .run(&server, &[])
        .exit(1)
        .says("login failed: the server refused the login by USER: [AUTH] no")
        .says_not("logged in");
    assert_eq!(server.took("QUIT").len(), 1);
}

/// I10: nor in base64, as it stands in the messages of the mechanisms.
#[test]
fn no_secret_is_shown_in_base64() {
    let fetch = Fetch::new("echo-base64");
    let initial = base64("\0mrose\0tanstaaf");
    let auth = format!("AUTH PLAIN {initial}");
    for echo in [initial, base64(PASSWORD), base64("mrose tanstaaf?")] {
        let server = announcing("PLAIN").instead(&auth, say(&format!("-ERR no {echo}\r\n")));
        fetch.run(&server, &[]).exit(1).says("login failed").says("withheld").says_not(&echo);
    }
    let server = announcing("PLAIN").instead(&auth, say("-ERR dGhlIG90aGVy\r\n"));
    fetch.run(&server, &[]).exit(1).says("the login by PLAIN: dGhlIG90aGVy");
}
