//! How a client is pointed straight back at its provider: the lines to paste, never a key.

use serde::Serialize;

use super::{Account, Provider};

/// A program, or a way of writing programs, that was pointed at the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum BypassClient {
    Shell,
    Python,
    #[serde(rename = "typescript")]
    TypeScript,
    ClaudeCode,
    Codex,
}

/// What takes one client of one account out of the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bypass {
    /// The account's label.
    pub account: String,
    /// Which client.
    pub client: BypassClient,
    /// Where the client goes then.
    pub base_url: String,
    /// Environment variables that point at the gateway or hold a local token.
    pub unset: Vec<&'static str>,
    /// The variable that has to hold the provider's own key again.
    pub key_variable: &'static str,
    /// Ready to paste, with what else is to be done in comments.
    pub lines: Vec<String>,
}

/// What an SDK speaks, which decides about names and about what belongs to the base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wire {
    Anthropic,
    Gemini,
    OpenAi,
}

impl Bypass {
    /// The way around for a client of this account; `None` if that client does not speak to such a provider.
    #[must_use]
    pub fn of(account: &Account, client: BypassClient) -> Option<Self> {
        let wire = match account.provider {
            Provider::Anthropic => Wire::Anthropic,
            Provider::Gemini => Wire::Gemini,
            Provider::OpenAi | Provider::DeepSeek | Provider::Custom => Wire::OpenAi,
        };
        match client {
            BypassClient::ClaudeCode if wire != Wire::Anthropic => return None,
            BypassClient::Codex if account.provider != Provider::OpenAi => return None,
            _ => {}
        }
        let base = account.base_url.as_str();
        // OpenAI's SDKs want the version in the base URL; that of a custom account is stored as its SDK wants it
        let base_url = if account.provider == Provider::OpenAi { format!("{base}/v1") } else { base.to_owned() };
        let is_usual = account.provider.default_base_url() == Some(base);
        // an SDK's own default is right where the SDK is the provider's own
        let needs_url = !is_usual || account.provider == Provider::DeepSeek;
        let mut bypass = Self {
            account: account.label.clone(),
            client,
            base_url,
            unset: wire.variables().to_vec(),
            key_variable: wire.key_variable(),
            lines: Vec::new(),
        };
        bypass.lines = match client {
            BypassClient::Shell => bypass.shell(wire, needs_url),
            BypassClient::Python => bypass.python(wire, needs_url),
            BypassClient::TypeScript => bypass.typescript(wire, needs_url),
            BypassClient::ClaudeCode => bypass.claude_code(wire, needs_url),
            BypassClient::Codex => bypass.codex(),
        };
        let key = format!("the key of account {} (fingerprint {})", account.label, account.fingerprint);
        let comment = if matches!(client, BypassClient::TypeScript) { "//" } else { "#" };
        bypass.lines.insert(0, format!("{comment} {}: {key} goes in {}, which had a local token", bypass.base_url, bypass.key_variable));
        Some(bypass)
    }

    fn shell(&self, wire: Wire, needs_url: bool) -> Vec<String> {
        let mut lines = vec![format!("unset {}", self.unset.join(" "))];
        if needs_url {
            lines.push(format!("export {}={}", wire.url_variable(), self.base_url));
        }
        lines.push(format!("printf 'key: '; read -rs {0}; export {0}", self.key_variable));
        lines
    }

    fn python(&self, wire: Wire, needs_url: bool) -> Vec<String> {
        let url = |name: &str| if needs_url { format!(", {name}=\"{}\"", self.base_url) } else { String::new() };
        let key = format!("api_key=os.environ[\"{}\"]", self.key_variable);
        let (import, client) = match wire {
            Wire::Anthropic => ("from anthropic import Anthropic", format!("client = Anthropic({key}{})", url("base_url"))),
            Wire::OpenAi => ("from openai import OpenAI", format!("client = OpenAI({key}{})", url("base_url"))),
            Wire::Gemini if needs_url => {
                let options = format!("http_options={{\"base_url\": \"{}\"}}", self.base_url);
                ("from google import genai", format!("client = genai.Client({key}, {options})"))
            }
            Wire::Gemini => ("from google import genai", format!("client = genai.Client({key})")),
        };
        vec![self.environment(), "import os".into(), import.into(), client]
    }

    fn typescript(&self, wire: Wire, needs_url: bool) -> Vec<String> {
        let url = |name: &str| if needs_url { format!(", {name}: \"{}\"", self.base_url) } else { String::new() };
        let key = format!("apiKey: process.env.{}", self.key_variable);
        let (import, client) = match wire {
            Wire::Anthropic => {
                ("import Anthropic from \"@anthropic-ai/sdk\";", format!("const client = new Anthropic({{ {key}{} }});", url("baseURL")))
            }
            Wire::OpenAi => ("import OpenAI from \"openai\";", format!("const client = new OpenAI({{ {key}{} }});", url("baseURL"))),
            Wire::Gemini => {
                let options = if needs_url { format!(", httpOptions: {{ baseUrl: \"{}\" }}", self.base_url) } else { String::new() };
                ("import { GoogleGenAI } from \"@google/genai\";", format!("const client = new GoogleGenAI({{ {key}{options} }});"))
            }
        };
        vec![self.environment().replacen('#', "//", 1), import.into(), client]
    }

    fn claude_code(&self, wire: Wire, needs_url: bool) -> Vec<String> {
        let mut lines = self.shell(wire, needs_url);
        lines.insert(
            0,
            format!("# if ~/.claude/settings.json or .claude/settings.json name them under \"env\", take out {}", self.unset.join(", ")),
        );
        lines.push("claude".into());
        lines
    }

    fn codex(&self) -> Vec<String> {
        vec![
            "# in ~/.codex/config.toml, take out openai_base_url and the model_provider that point at the gateway, or override them:"
                .into(),
            format!("unset {}", self.unset.join(" ")),
            format!("printf 'key: '; read -rs {0}; export {0}", self.key_variable),
            format!("codex -c model_provider='\"openai\"' -c openai_base_url='\"{}\"'", self.base_url),
        ]
    }

    /// Programs read these as well when nothing is given in the code.
    fn environment(&self) -> String {
        format!("# unset {} where the program starts", self.unset.join(" "))
    }
}

impl Wire {
    const fn variables(self) -> &'static [&'static str] {
        match self {
            Self::Anthropic => &["ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"],
            Self::Gemini => &["GOOGLE_GEMINI_BASE_URL", "GEMINI_API_KEY", "GOOGLE_API_KEY"],
            Self::OpenAi => &["OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_API_KEY"],
        }
    }

    const fn url_variable(self) -> &'static str {
        match self {
            Self::Anthropic => "ANTHROPIC_BASE_URL",
            Self::Gemini => "GOOGLE_GEMINI_BASE_URL",
            Self::OpenAi => "OPENAI_BASE_URL",
        }
    }

    const fn key_variable(self) -> &'static str {
        match self {
            Self::Anthropic => "ANTHROPIC_API_KEY",
            Self::Gemini => "GEMINI_API_KEY",
            Self::OpenAi => "OPENAI_API_KEY",
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::{AccountId, BaseUrl, KeyRef, Secret};

    fn account(provider: Provider, base_url: &str) -> Account {
        Account {
            id: AccountId(1),
            provider,
            label: "work".into(),
            base_url: BaseUrl::parse(base_url).unwrap(),
            fingerprint: Secret::from_pasted("sk-test").unwrap().fingerprint(),
            key: KeyRef::Env { variable: "X".into() },
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn each_client_is_sent_where_its_sdk_would_go_by_itself() {
        use BypassClient::{ClaudeCode, Codex, Python, Shell, TypeScript};
        for (provider, base, client, holds) in [
            (
                Provider::Anthropic,
                "https://api.anthropic.com",
                Shell,
                Some("unset ANTHROPIC_BASE_URL ANTHROPIC_AUTH_TOKEN ANTHROPIC_API_KEY"),
            ),
            (Provider::Anthropic, "https://proxy.example", Shell, Some("export ANTHROPIC_BASE_URL=https://proxy.example")),
            (Provider::DeepSeek, "https://api.deepseek.com", Shell, Some("export OPENAI_BASE_URL=https://api.deepseek.com")),
            (Provider::OpenAi, "https://api.openai.com", Python, Some("client = OpenAI(api_key=os.environ[\"OPENAI_API_KEY\"])")),
            (Provider::Custom, "https://openrouter.ai/api/v1", Python, Some("base_url=\"https://openrouter.ai/api/v1\"")),
            (
                Provider::Gemini,
                "https://generativelanguage.googleapis.com",
                TypeScript,
                Some("new GoogleGenAI({ apiKey: process.env.GEMINI_API_KEY })"),
            ),
            (Provider::Anthropic, "https://api.anthropic.com", ClaudeCode, Some("claude")),
            (Provider::OpenAi, "https://api.openai.com", ClaudeCode, None),
            (
                Provider::OpenAi,
                "https://api.openai.com",
                Codex,
                Some("codex -c model_provider='\"openai\"' -c openai_base_url='\"https://api.openai.com/v1\"'"),
            ),
            (Provider::Custom, "https://openrouter.ai/api/v1", Codex, None),
        ] {
            let bypass = Bypass::of(&account(provider, base), client);
            let found = bypass.as_ref().map(|b| b.lines.iter().any(|line| line.contains(holds.unwrap_or("nothing"))));
            assert_eq!(found, holds.map(|_| true), "{provider:?} {client:?}: {bypass:?}");
            assert!(bypass.is_none_or(|b| !b.lines.join("\n").contains("sk-test")));
        }
    }
}
