//! SCRAM, client side.

use alloc::boxed::Box;
use alloc::string::String;
use core::ops::RangeInclusive;

use super::super::octets::{checked_text, checked_unbounded, escaped, joined, name};
use super::super::{Mechanism, MechanismError, ScramHash, ServerError};
use super::Binding;
use super::keys::{client_key, exclusive_or, hmac, salted_password, server_key, stored_key};
use super::message::{ServerFinal, ServerFirst, checked_nonce, text};
use crate::error::InvalidValue;
use crate::{Base64, MechanismName, Secret, Text};

/// SCRAM, client side (RFC 5802, RFC 7677), without or with channel binding.
///
/// The server must prove that it knows the password as well: until it has,
/// [`is_satisfied`](Mechanism::is_satisfied) says no, whatever the server says. Whoever reads an
/// exchange can guess at the password, each guess at the price of the iteration count.
///
/// [`respond`](Mechanism::respond) does as many rounds of the hash as the server asks for, within
/// the bounds: a million take a part of a second to some seconds.
///
/// ```
/// use pop3_proto::Secret;
/// use pop3_proto::sasl::{Binding, Mechanism as _, Scram, ScramHash};
/// let nonce = "rOprNGfwEbeRWgbNEkqO"; // the caller's, random
/// let password = Secret::new("pencil");
/// let binding = Binding::Unsupported;
/// let mut scram = Scram::new(ScramHash::Sha256, None, "user", password, nonce, binding)?;
/// let message = scram.initial_response()?.expect("SCRAM speaks first");
/// assert_eq!(message.expose(), b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Scram {
    hash: ScramHash,
    authorization: Option<Box<str>>,
    authentication: Box<str>,
    password: Secret,
    nonce: Box<str>,
    binding: Binding,
    iterations: RangeInclusive<u32>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Start,
    /// The server's first message is due; it answers this `client-first-message-bare`.
    First(String),
    /// The server's last message is due, with this signature.
    Final(Secret),
    Verified,
    Failed,
}

impl Scram {
    /// The iteration counts that are done unless the caller says otherwise: what RFC 5802 §5.1 and
    /// RFC 7677 §4 ask for, up to what is still worth waiting for.
    pub const ITERATIONS: RangeInclusive<u32> = 4096..=1_000_000;

    /// Logs in as `authentication`, to act for `authorization` if that is another.
    ///
    /// The nonce must be random and never used before: 18 octets of a good generator or more, in
    /// base64, are right.
    ///
    /// # Errors
    /// [`InvalidValue`] if a name is longer than 255 octets; a name, the password or the nonce is
    /// empty or holds a control; a name or the password is not ASCII, which would have to be
    /// prepared (RFC 5802 §2.2), see [`Scram::prepared`]; the nonce is longer than 255 octets or
    /// holds a space, a comma or 8-bit octets.
    pub fn new(
        hash: ScramHash,
        authorization: Option<&str>,
        authentication: &str,
        password: Secret,
        nonce: &str,
        binding: Binding,
    ) -> Result<Self, InvalidValue> {
        let names = authorization.into_iter().chain([authentication]).map(str::as_bytes);
        for ascii in names.chain([password.expose()]) {
            checked_unbounded(ascii, |octet| octet.is_ascii())?;
        }
        Self::prepared(hash, authorization, authentication, password, nonce, binding)
    }

    /// Like [`Scram::new`], for names and a password that the caller has prepared as RFC 4013 says;
    /// they may then be any UTF-8 without controls.
    ///
    /// # Errors
    /// As for [`Scram::new`], but for what is not ASCII.
    pub fn prepared(
        hash: ScramHash,
        authorization: Option<&str>,
        authentication: &str,
        password: Secret,
        nonce: &str,
        binding: Binding,
    ) -> Result<Self, InvalidValue> {
        checked_text(password.expose())?;
        checked_nonce(nonce)?;
        Ok(Self {
            hash,
            authorization: authorization.map(name).transpose()?,
            authentication: name(authentication)?,
            password,
            nonce: nonce.into(),
            binding,
            iterations: Self::ITERATIONS,
            stage: Stage::Start,
        })
    }

    /// With other bounds for the iteration count. A count below is a server that makes guessing
    /// cheap, one above is a server that makes the client work.
    #[must_use]
    pub fn with_iterations(self, iterations: RangeInclusive<u32>) -> Self {
        Self { iterations, ..self }
    }

    /// `gs2-header`.
    fn header(&self) -> String {
        let (flag, bound) = match &self.binding {
            Binding::Unsupported => ("n", ""),
            Binding::NotOffered => ("y", ""),
            Binding::Bound(binding) => ("p=", binding.name()),
        };
        match &self.authorization {
            Some(name) => alloc::format!("{flag}{bound},a={},", escaped(name)),
            None => alloc::format!("{flag}{bound},,"),
        }
    }

    /// `c=`, without its letter.
    fn bound(&self) -> Base64 {
        let data = match &self.binding {
            Binding::Bound(binding) => binding.data(),
            Binding::Unsupported | Binding::NotOffered => &[],
        };
        Base64::encode(joined(&[self.header().as_bytes(), data]).expose())
    }

    /// The client's last message, and the signature that the server owes.
    fn prove(&self, bare: &str, challenge: &[u8]) -> Result<(Secret, Secret), MechanismError> {
        let server_first = text(challenge).ok_or(MechanismError::MalformedChallenge)?;
        if server_first.starts_with("m=") {
            return Err(MechanismError::Extension);
        }
        if let Some(ServerFinal::Error(error)) = ServerFinal::parse(server_first) {
            return Err(MechanismError::ServerError(ServerError::of(error)));
        }
        let first = ServerFirst::parse(server_first).ok_or(MechanismError::MalformedChallenge)?;
        if first.nonce.strip_prefix(&*self.nonce).is_none_or(str::is_empty) {
            return Err(MechanismError::Nonce);
        }
        if !self.iterations.contains(&first.iterations.get()) {
            return Err(MechanismError::Iterations {
                count: first.iterations.get(),
                minimum: *self.iterations.start(),
                maximum: *self.iterations.end(),
            });
        }
        let bound = self.bound();
        let without_proof: [&[u8]; 4] = [b"c=", bound.expose(), b",r=", first.nonce.as_bytes()];
        let [a, b, c, d] = without_proof;
        let message: [&[u8]; 8] = [bare.as_bytes(), b",", challenge, b",", a, b, c, d];

        let salted =
            salted_password(self.hash, &self.password, first.salt.expose(), first.iterations);
        let client_key = client_key(self.hash, &salted);
        let signature = hmac(self.hash, &stored_key(self.hash, &client_key), &message);
        let proof = Base64::encode(exclusive_or(&client_key, &signature).expose());
        let expected = hmac(self.hash, &server_key(self.hash, &salted), &message);
        Ok((joined(&[a, b, c, d, b",p=", proof.expose()]), expected))
    }
}

/// Whether the server knows the password.
fn verify(expected: &Secret, challenge: &[u8]) -> Result<(), MechanismError> {
    match text(challenge).and_then(ServerFinal::parse) {
        Some(ServerFinal::Signature(signature)) if signature == *expected => Ok(()),
        Some(ServerFinal::Error(error)) => Err(MechanismError::ServerError(ServerError::of(error))),
        _ => Err(MechanismError::ServerSignature),
    }
}

impl Mechanism for Scram {
    fn name(&self) -> MechanismName {
        self.hash.mechanism(matches!(self.binding, Binding::Bound(_)))
    }

    fn initial_response(&mut self) -> Result<Option<Secret>, MechanismError> {
        let Stage::Start = self.stage else {
            self.stage = Stage::Failed;
            return Err(MechanismError::Used);
        };
        let bare = alloc::format!("n={},r={}", escaped(&self.authentication), self.nonce);
        let message = joined(&[self.header().as_bytes(), bare.as_bytes()]);
        self.stage = Stage::First(bare);
        Ok(Some(message))
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<Secret, MechanismError> {
        match core::mem::replace(&mut self.stage, Stage::Failed) {
            Stage::First(bare) => {
                let (response, expected) = self.prove(&bare, challenge)?;
                self.stage = Stage::Final(expected);
                Ok(response)
            }
            Stage::Final(expected) => {
                verify(&expected, challenge)?;
                self.stage = Stage::Verified;
                Ok(Secret::new([]))
            }
            Stage::Start | Stage::Verified | Stage::Failed => {
                Err(MechanismError::UnexpectedChallenge)
            }
        }
    }

    fn is_satisfied(&self) -> bool {
        matches!(self.stage, Stage::Verified)
    }

    fn exposes_secret(&self) -> bool {
        false
    }

    fn failure(&self) -> Option<&Text> {
        None
    }
}
