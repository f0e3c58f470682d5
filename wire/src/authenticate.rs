//! Proving who we are: password, MD5, SCRAM-SHA-256 with and without channel binding (PostgreSQL
//! documentation, "Start-up" and "SASL Authentication"), and refusing what the user does not
//! accept. Reads requests and writes answers; sends nothing itself.

use bytes::BytesMut;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{
    self, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256,
};
use postgres_protocol::message::frontend;
use secrecy::{ExposeSecret, SecretString};

use crate::connect::Failure;
use crate::conninfo::{AuthMethod, ChannelBinding, Conninfo};
use crate::error::Error;

/// What the session runs over, as far as SCRAM can be tied to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Plain,
    Tls {
        /// The hash of the server's certificate (RFC 5929, tls-server-end-point); none if its
        /// signature algorithm names no hash.
        server_end_point: Option<Vec<u8>>,
    },
}

/// What follows an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The server's next request.
    More,
    /// The server has let us in.
    Done,
}

/// The dialogue, until the server lets us in.
pub(crate) struct Authentication<'a> {
    conninfo: &'a Conninfo,
    password: Option<&'a SecretString>,
    channel: Channel,
    state: State,
}

/// How far the dialogue is.
enum State {
    /// Nothing was asked.
    Fresh,
    /// A password or its MD5 hash was sent; the server answers yes or no.
    PasswordSent,
    /// The first SCRAM message was sent.
    ScramBegun { scram: Box<ScramSha256>, binding: Binding },
    /// The proof was sent; the server's own proof is awaited.
    ScramProven { scram: Box<ScramSha256>, binding: Binding },
    /// The server has proved that it knows the password's hash too.
    ScramVerified { binding: Binding },
}

/// Whether SCRAM was tied to the TLS channel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Binding {
    None,
    Channel,
}

impl<'a> Authentication<'a> {
    pub(crate) fn new(
        conninfo: &'a Conninfo,
        password: Option<&'a SecretString>,
        channel: Channel,
    ) -> Authentication<'a> {
        Authentication { conninfo, password, channel, state: State::Fresh }
    }

    /// Answers an Authentication message.
    ///
    /// # Errors
    ///
    /// The server asks for what we cannot or may not give, or does not prove itself.
    pub(crate) fn answer(&mut self, body: &[u8], out: &mut BytesMut) -> Result<Step, Failure> {
        let Some((code, data)) = body.split_first_chunk::<4>() else {
            return Err(protocol("an authentication request is too short"));
        };
        match i32::from_be_bytes(*code) {
            0 => return self.accepted(),
            3 => self.clear_password(out)?,
            5 => self.md5(data, out)?,
            10 => self.begin_scram(data, out)?,
            11 => self.prove_scram(data, out)?,
            12 => self.verify_scram(data)?,
            7 => return Err(self.unsupported(AuthMethod::Gss, "GSSAPI")),
            9 => return Err(self.unsupported(AuthMethod::Sspi, "SSPI")),
            code => {
                return Err(Failure::refused(format!(
                    "the server asks for authentication method {code}, which is not supported; \
                     use a password, SCRAM-SHA-256 or a client certificate"
                )));
            }
        }
        Ok(Step::More)
    }

    /// AuthenticationOk: only now is it certain what the server did not ask for.
    fn accepted(&self) -> Result<Step, Failure> {
        let binding = match &self.state {
            State::Fresh => {
                if !self.conninfo.require_auth().accepts_none() {
                    return Err(self.not_accepted("server did not complete authentication"));
                }
                Binding::None
            }
            State::PasswordSent => Binding::None,
            State::ScramBegun { .. } | State::ScramProven { .. } => {
                return Err(Failure::refused(
                    "the server ended SCRAM authentication without proving that it knows the \
                     password",
                ));
            }
            State::ScramVerified { binding } => *binding,
        };
        if self.requires_binding() && binding == Binding::None {
            return Err(Failure::refused(
                "channel binding required, but server authenticated client without channel \
                 binding",
            ));
        }
        Ok(Step::Done)
    }

    fn clear_password(&mut self, out: &mut BytesMut) -> Result<(), Failure> {
        self.check(AuthMethod::Password, "server requested a cleartext password")?;
        let password = self.password()?;
        frontend::password_message(password.expose_secret().as_bytes(), out).map_err(unsendable)?;
        self.state = State::PasswordSent;
        Ok(())
    }

    fn md5(&mut self, data: &[u8], out: &mut BytesMut) -> Result<(), Failure> {
        self.check(AuthMethod::Md5, "server requested a hashed password")?;
        let salt = <[u8; 4]>::try_from(data).map_err(|_| protocol("an MD5 salt is not 4 bytes"))?;
        let user = self.conninfo.user().as_bytes();
        let hash = md5_hash(user, self.password()?.expose_secret().as_bytes(), salt);
        frontend::password_message(hash.as_bytes(), out).map_err(unsendable)?;
        self.state = State::PasswordSent;
        Ok(())
    }

    fn begin_scram(&mut self, data: &[u8], out: &mut BytesMut) -> Result<(), Failure> {
        if !matches!(self.state, State::Fresh) {
            return Err(protocol("a second request for SASL authentication"));
        }
        let mechanisms: Vec<&[u8]> = data.split(|&byte| byte == 0).collect();
        let offers = |name: &str| mechanisms.contains(&name.as_bytes());
        if !offers(SCRAM_SHA_256) && !offers(SCRAM_SHA_256_PLUS) {
            return Err(Failure::refused(if offers("OAUTHBEARER") {
                "the server asks for OAuth authentication, which is not supported; use a \
                 password, SCRAM-SHA-256 or a client certificate"
            } else {
                "none of the server's SASL authentication mechanisms are supported"
            }));
        }
        if !self.conninfo.require_auth().accepts(AuthMethod::Scram) {
            return Err(self.not_accepted("server requested SASL authentication"));
        }
        let (mechanism, channel_binding, binding) = self.mechanism(offers(SCRAM_SHA_256_PLUS))?;
        let password = self.password()?.expose_secret().as_bytes();
        let scram = Box::new(ScramSha256::new(password, channel_binding));
        frontend::sasl_initial_response(mechanism, scram.message(), out).map_err(unsendable)?;
        self.state = State::ScramBegun { scram, binding };
        Ok(())
    }

    /// Chooses whether to bind SCRAM to the channel. The middle value is what we tell the server
    /// about it; a man in the middle who hides the server's offer is found out by that.
    fn mechanism(
        &self,
        server_offers_binding: bool,
    ) -> Result<(&'static str, sasl::ChannelBinding, Binding), Failure> {
        let wish = self.conninfo.channel_binding();
        let unsupported = || (SCRAM_SHA_256, sasl::ChannelBinding::unsupported(), Binding::None);
        let (mechanism, channel_binding, binding) = match &self.channel {
            Channel::Plain if server_offers_binding => {
                return Err(Failure::refused(
                    "server offered SCRAM-SHA-256-PLUS authentication over a non-SSL connection",
                ));
            }
            Channel::Tls { server_end_point: Some(hash) } if wish != ChannelBinding::Disable => {
                if server_offers_binding {
                    let bound = sasl::ChannelBinding::tls_server_end_point(hash.clone());
                    (SCRAM_SHA_256_PLUS, bound, Binding::Channel)
                } else {
                    (SCRAM_SHA_256, sasl::ChannelBinding::unrequested(), Binding::None)
                }
            }
            Channel::Plain | Channel::Tls { .. } => unsupported(),
        };
        if wish == ChannelBinding::Require && binding == Binding::None {
            return Err(Failure::refused(match &self.channel {
                Channel::Plain => "channel binding required, but SSL not in use",
                Channel::Tls { server_end_point: None } => {
                    "channel binding required, but the signature algorithm of the server's \
                     certificate names no hash for it"
                }
                Channel::Tls { server_end_point: Some(_) } => {
                    "channel binding is required, but server did not offer an authentication \
                     method that supports channel binding"
                }
            }));
        }
        Ok((mechanism, channel_binding, binding))
    }

    fn prove_scram(&mut self, data: &[u8], out: &mut BytesMut) -> Result<(), Failure> {
        match std::mem::replace(&mut self.state, State::Fresh) {
            State::ScramBegun { mut scram, binding } => {
                scram.update(data).map_err(|error| scram_failed(&error))?;
                frontend::sasl_response(scram.message(), out).map_err(unsendable)?;
                self.state = State::ScramProven { scram, binding };
                Ok(())
            }
            _ => Err(protocol("an unexpected continuation of SASL authentication")),
        }
    }

    fn verify_scram(&mut self, data: &[u8]) -> Result<(), Failure> {
        match std::mem::replace(&mut self.state, State::Fresh) {
            State::ScramProven { mut scram, binding } => {
                scram.finish(data).map_err(|error| scram_failed(&error))?;
                self.state = State::ScramVerified { binding };
                Ok(())
            }
            _ => Err(protocol("an unexpected end of SASL authentication")),
        }
    }

    /// Fails if the user does not accept the method, before anything secret is sent.
    fn check(&self, method: AuthMethod, fault: &str) -> Result<(), Failure> {
        if !matches!(self.state, State::Fresh) {
            return Err(protocol("a second request for authentication"));
        }
        if !self.conninfo.require_auth().accepts(method) {
            return Err(self.not_accepted(fault));
        }
        if self.requires_binding() {
            return Err(Failure::refused(
                "channel binding required but not supported by server's authentication request",
            ));
        }
        Ok(())
    }

    fn requires_binding(&self) -> bool {
        self.conninfo.channel_binding() == ChannelBinding::Require
    }

    fn not_accepted(&self, fault: &str) -> Failure {
        let wanted = self.conninfo.require_auth().as_str();
        Failure::refused(format!("authentication method requirement \"{wanted}\" failed: {fault}"))
    }

    fn unsupported(&self, method: AuthMethod, name: &str) -> Failure {
        if !self.conninfo.require_auth().accepts(method) {
            return self.not_accepted(&format!("server requested {name} authentication"));
        }
        Failure::refused(format!(
            "the server asks for {name} authentication, which is not supported; allow a \
             password, SCRAM-SHA-256 or a client certificate in its pg_hba.conf"
        ))
    }

    fn password(&self) -> Result<&'a SecretString, Failure> {
        if self.conninfo.value("scram_client_key").is_some() {
            return Err(Failure::refused(
                "scram_client_key is not supported; give the password instead",
            ));
        }
        self.password.filter(|password| !password.expose_secret().is_empty()).ok_or_else(|| {
            let mut reason = "no password supplied: the server asks for one; give it in \
                              PGPASSWORD, in the password file (~/.pgpass or passfile), in a \
                              service file or in the connection string"
                .to_owned();
            // An ignored password file is the most likely explanation.
            for warning in self.conninfo.warnings() {
                reason.push_str("; ");
                reason.push_str(warning);
            }
            Failure::refused(reason)
        })
    }
}

fn protocol(reason: &str) -> Failure {
    Failure::from(Error::Protocol(reason.to_owned()))
}

/// A password with a NUL in it.
fn unsendable(error: std::io::Error) -> Failure {
    Failure::refused(format!("the password cannot be sent: {error}"))
}

/// The library computes at most 100,000 iterations, so that no server can keep us busy for ever.
fn scram_failed(error: &std::io::Error) -> Failure {
    let mut reason = format!("SCRAM authentication failed: {error}");
    if reason.contains("iteration count") {
        reason.push_str(
            "; set the password again with the server's scram_iterations at 100000 or less",
        );
    }
    Failure::refused(reason)
}
