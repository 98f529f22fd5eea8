//! Parallel sets of limits at one provider, and what a class of models is called in each.

use serde::{Deserialize, Serialize};

use super::ModelClass;

/// Which of a provider's parallel sets of limits a reading belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pool {
    /// The ordinary limits.
    #[default]
    Standard,
    /// Capacity bought ahead.
    Priority,
    /// Faster, dearer answers with limits of their own.
    Fast,
    /// A project's own, lower limit.
    Project,
    /// For prompts above a length.
    LongContext,
    /// Rows of the provider's batch API, which count toward none of the others.
    Batch,
}

impl Pool {
    /// Every pool.
    const ALL: [Self; 6] = [Self::Standard, Self::Priority, Self::Fast, Self::Project, Self::LongContext, Self::Batch];

    /// What it is called behind the name of a class; nothing for the ordinary one.
    const fn title(self) -> &'static str {
        match self {
            Self::Standard => "",
            Self::Priority => "priority",
            Self::Fast => "fast",
            Self::Project => "project",
            Self::LongContext => "long context",
            Self::Batch => "batch",
        }
    }
}

/// A class in one of its pools is called `claude-opus-5.5 (fast)`: its buckets are apart from the ordinary ones.
impl ModelClass {
    /// The same class in another pool.
    #[must_use]
    pub fn in_pool(&self, pool: Pool) -> Self {
        let base = self.parts().0;
        if pool == Pool::Standard { Self::new(base) } else { Self::new(&format!("{base} ({})", pool.title())) }
    }

    /// The class in the ordinary pool.
    #[must_use]
    pub fn base(&self) -> Self {
        self.in_pool(Pool::Standard)
    }

    /// Which pool it is in.
    #[must_use]
    pub fn pool(&self) -> Pool {
        self.parts().1
    }

    fn parts(&self) -> (&str, Pool) {
        let name = self.as_str();
        let split = || {
            let (base, title) = name.strip_suffix(')')?.rsplit_once(" (")?;
            let pool = Pool::ALL.into_iter().find(|pool| *pool != Pool::Standard && pool.title() == title)?;
            Some((base, pool))
        };
        split().unwrap_or((name, Pool::Standard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_keeps_its_name_in_every_pool() {
        for name in ["claude-opus-5.5", "*", "m (beta)", "m (fast) x", "(fast)", ""] {
            let class = ModelClass::new(name);
            assert_eq!((class.pool(), &class.base()), (Pool::Standard, &class), "{name:?}");
            for pool in Pool::ALL {
                let pooled = class.in_pool(pool);
                assert_eq!((pooled.pool(), pooled.base()), (pool, class.clone()), "{name:?} {pool:?}");
                assert_eq!(pooled.in_pool(pool), pooled);
            }
        }
    }
}
