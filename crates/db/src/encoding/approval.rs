//! `servicekeyapproval.approval_type` (database.md §2.3). Quay stores how Python prints the enumeration's member; the
//! member's value is read too.

/// How a service key was approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalType {
    /// By a superuser.
    Superuser,
    /// As the successor of an approved key.
    KeyRotation,
    /// By the installation itself.
    Automatic,
}

impl ApprovalType {
    const ALL: [Self; 3] = [Self::Superuser, Self::KeyRotation, Self::Automatic];

    /// The text to store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Superuser => "ServiceKeyApprovalType.SUPERUSER",
            Self::KeyRotation => "ServiceKeyApprovalType.KEY_ROTATION",
            Self::Automatic => "ServiceKeyApprovalType.AUTOMATIC",
        }
    }

    fn value(self) -> &'static str {
        match self {
            Self::Superuser => "Super User API",
            Self::KeyRotation => "Key Rotation",
            Self::Automatic => "Automatic",
        }
    }

    /// Reads either form.
    pub fn parse(stored: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| stored == kind.as_str() || stored == kind.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        for kind in ApprovalType::ALL {
            assert_eq!(ApprovalType::parse(kind.as_str()), Some(kind));
            assert_eq!(ApprovalType::parse(kind.value()), Some(kind));
        }
        assert_eq!(ApprovalType::parse("superuser"), None);
    }
}
