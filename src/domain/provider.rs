//! Who is on the other side ([`Provider`]) and which way of speaking it has ([`Dialect`]).

use serde::{Deserialize, Serialize};

/// The five routes of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// api.anthropic.com
    Anthropic,
    /// api.openai.com
    OpenAi,
    /// generativelanguage.googleapis.com
    Gemini,
    /// api.deepseek.com
    DeepSeek,
    /// Any other endpoint, reached by its account's label.
    Custom,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Self; 5] = [Self::Anthropic, Self::OpenAi, Self::Gemini, Self::DeepSeek, Self::Custom];

    /// The name in the command line, in routes and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Gemini => "gemini",
            Self::DeepSeek => "deepseek",
            Self::Custom => "custom",
        }
    }

    /// The name on screen.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Anthropic => "Anthropic",
            Self::OpenAi => "OpenAI",
            Self::Gemini => "Gemini",
            Self::DeepSeek => "DeepSeek",
            Self::Custom => "Custom",
        }
    }

    /// The provider with this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }

    /// Where its API lives; `None` for custom endpoints.
    #[must_use]
    pub const fn default_base_url(self) -> Option<&'static str> {
        match self {
            Self::Anthropic => Some("https://api.anthropic.com"),
            Self::OpenAi => Some("https://api.openai.com"),
            Self::Gemini => Some("https://generativelanguage.googleapis.com"),
            Self::DeepSeek => Some("https://api.deepseek.com"),
            Self::Custom => None,
        }
    }

    /// The environment variables in which its SDKs look for a key.
    #[must_use]
    pub const fn key_variables(self) -> &'static [&'static str] {
        match self {
            Self::Anthropic => &["ANTHROPIC_API_KEY"],
            Self::OpenAi => &["OPENAI_API_KEY"],
            Self::Gemini => &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
            Self::DeepSeek => &["DEEPSEEK_API_KEY"],
            Self::Custom => &[],
        }
    }
}

/// A way of writing headers, refusals and usage. Several providers share a provider route but not a dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Dialect {
    /// Anthropic's own API, and its OpenAI-compatible path.
    Anthropic,
    /// OpenAI's own API.
    OpenAi,
    /// The Gemini API, and its OpenAI-compatible path.
    Gemini,
    /// Gemini through Vertex.
    Vertex,
    /// DeepSeek.
    DeepSeek,
    /// Azure OpenAI.
    AzureOpenAi,
    /// OpenRouter.
    OpenRouter,
    /// Groq.
    Groq,
    /// Mistral.
    Mistral,
    /// xAI.
    XAi,
    /// Together.
    Together,
    /// Fireworks.
    Fireworks,
    /// Cerebras.
    Cerebras,
    /// Anything that speaks OpenAI's wire format.
    OpenAiCompatible,
}

impl From<Dialect> for &'static str {
    fn from(dialect: Dialect) -> Self {
        dialect.name()
    }
}

impl TryFrom<String> for Dialect {
    type Error = String;
    fn try_from(name: String) -> Result<Self, String> {
        Self::from_name(&name).ok_or_else(|| format!("no provider is called {name:?}"))
    }
}

/// What a provider's own address speaks; any OpenAI-compatible way for custom endpoints, of which no more is known.
impl From<Provider> for Dialect {
    fn from(provider: Provider) -> Self {
        Self::of(provider, "")
    }
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 14] = [
        Self::Anthropic,
        Self::OpenAi,
        Self::Gemini,
        Self::Vertex,
        Self::DeepSeek,
        Self::AzureOpenAi,
        Self::OpenRouter,
        Self::Groq,
        Self::Mistral,
        Self::XAi,
        Self::Together,
        Self::Fireworks,
        Self::Cerebras,
        Self::OpenAiCompatible,
    ];

    /// Its name in the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Gemini => "gemini",
            Self::Vertex => "vertex",
            Self::DeepSeek => "deepseek",
            Self::AzureOpenAi => "azure-openai",
            Self::OpenRouter => "openrouter",
            Self::Groq => "groq",
            Self::Mistral => "mistral",
            Self::XAi => "xai",
            Self::Together => "together",
            Self::Fireworks => "fireworks",
            Self::Cerebras => "cerebras",
            Self::OpenAiCompatible => "openai-compatible",
        }
    }

    /// Its name on screen.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Anthropic => "Anthropic",
            Self::OpenAi => "OpenAI",
            Self::Gemini => "Gemini",
            Self::Vertex => "Vertex AI",
            Self::DeepSeek => "DeepSeek",
            Self::AzureOpenAi => "Azure OpenAI",
            Self::OpenRouter => "OpenRouter",
            Self::Groq => "Groq",
            Self::Mistral => "Mistral",
            Self::XAi => "xAI",
            Self::Together => "Together",
            Self::Fireworks => "Fireworks",
            Self::Cerebras => "Cerebras",
            Self::OpenAiCompatible => "OpenAI-compatible",
        }
    }

    /// The dialect that a person means by `name`; a few other names in use are understood too.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase().replace('_', "-");
        Self::ALL.into_iter().find(|d| d.name() == name).or(match name.as_str() {
            "anthropic-openai-compat" | "claude" => Some(Self::Anthropic),
            "gemini-cloudcode" | "google" => Some(Self::Gemini),
            "azure" => Some(Self::AzureOpenAi),
            "vertex-ai" => Some(Self::Vertex),
            "x-ai" | "grok" => Some(Self::XAi),
            "mistralai" | "mistral-ai" => Some(Self::Mistral),
            "together-ai" | "togetherai" => Some(Self::Together),
            "fireworks-ai" => Some(Self::Fireworks),
            "custom" => Some(Self::OpenAiCompatible),
            _ => None,
        })
    }

    /// What an endpoint of this provider at this host speaks.
    #[must_use]
    pub fn of(provider: Provider, host: &str) -> Self {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let under = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
        match provider {
            Provider::Anthropic => Self::Anthropic,
            Provider::OpenAi => Self::OpenAi,
            Provider::Gemini if under("aiplatform.googleapis.com") || host.ends_with("-aiplatform.googleapis.com") => Self::Vertex,
            Provider::Gemini => Self::Gemini,
            Provider::DeepSeek => Self::DeepSeek,
            Provider::Custom => [
                ("openrouter.ai", Self::OpenRouter),
                ("groq.com", Self::Groq),
                ("mistral.ai", Self::Mistral),
                ("x.ai", Self::XAi),
                ("together.xyz", Self::Together),
                ("together.ai", Self::Together),
                ("fireworks.ai", Self::Fireworks),
                ("cerebras.ai", Self::Cerebras),
                ("openai.azure.com", Self::AzureOpenAi),
                ("anthropic.com", Self::Anthropic),
                ("deepseek.com", Self::DeepSeek),
                ("generativelanguage.googleapis.com", Self::Gemini),
                ("openai.com", Self::OpenAi),
            ]
            .into_iter()
            .find(|(domain, _)| under(domain))
            .map_or(Self::OpenAiCompatible, |(_, dialect)| dialect),
        }
    }
}
