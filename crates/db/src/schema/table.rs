//! The words in which the schema is described: tables, columns and indexes as constant data.
//!
//! The constructors read like the facts they state: `integer("role_id").to("role").index()` is a NOT NULL integer
//! that refers to `role` and has an index of its own. Columns are NOT NULL unless [`Column::null`] is said.

/// The longest name PostgreSQL keeps; longer ones are cut here, where it is seen, and not by the server.
pub(super) const MAX_NAME_BYTES: usize = 63;

/// A column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// 32-bit key that counts up by itself; on PostgreSQL `integer` with the sequence `<table>_id_seq`.
    Id,
    /// The same with 64 bits.
    BigId,
    /// 32-bit integer.
    Integer,
    /// 64-bit integer.
    BigInt,
    /// Truth value.
    Boolean,
    /// Point in time without zone: UTC by convention.
    Timestamp,
    /// Calendar day.
    Date,
    /// Text of at most this many characters; SQLite does not enforce the limit.
    Varchar(u16),
    /// Text without limit.
    Text,
}

/// An index over one column that is said at the column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SingleIndex {
    /// A plain index.
    Plain,
    /// A unique index.
    Unique,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Name.
    pub name: &'static str,
    /// Type.
    pub kind: Type,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// Server default as SQL that both engines read.
    pub default: Option<&'static str>,
    /// The table whose `id` this column refers to.
    pub references: Option<&'static str>,
    /// Whether the column is (part of) the primary key.
    pub primary_key: bool,
    /// Index over this column alone.
    pub index: Option<SingleIndex>,
}

impl Column {
    /// NULL is allowed.
    pub(super) const fn null(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// The server fills in this SQL expression when an insert leaves the column out.
    pub(super) const fn default(mut self, sql: &'static str) -> Self {
        self.default = Some(sql);
        self
    }

    /// The column refers to `id` of that table.
    pub(super) const fn to(mut self, table: &'static str) -> Self {
        self.references = Some(table);
        self
    }

    /// The column is part of the primary key.
    pub(super) const fn primary_key(mut self) -> Self {
        self.primary_key = true;
        self
    }

    /// The column has a plain index of its own.
    pub(super) const fn index(mut self) -> Self {
        self.index = Some(SingleIndex::Plain);
        self
    }

    /// The column has a unique index of its own.
    pub(super) const fn unique(mut self) -> Self {
        self.index = Some(SingleIndex::Unique);
        self
    }

    /// Whether the database counts this column up by itself.
    pub fn is_generated(&self) -> bool {
        matches!(self.kind, Type::Id | Type::BigId)
    }
}

/// What an index is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexKind {
    /// Finding rows.
    Plain,
    /// Uniqueness. NULLs are distinct on both engines.
    Unique,
    /// Uniqueness among the rows for which this SQL condition holds.
    UniqueWhere(&'static str),
    /// Substring search. A trigram GIN index on PostgreSQL; SQLite has nothing like it and scans instead, so it is
    /// left out there.
    Trigram,
}

/// An index.
#[derive(Debug, Clone, Copy)]
pub struct Index {
    /// What it is for.
    pub kind: IndexKind,
    /// Its columns in order.
    pub columns: &'static [&'static str],
}

/// A table.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Name; `user` needs quoting, so all names are quoted.
    pub name: &'static str,
    /// Columns in the order Quay's migrations leave them.
    pub columns: &'static [Column],
    /// Indexes beyond those said at a column.
    pub indexes: &'static [Index],
}

impl Table {
    /// Adds indexes over several columns or with a condition.
    pub(super) const fn indexes(mut self, indexes: &'static [Index]) -> Self {
        self.indexes = indexes;
        self
    }

    /// All indexes but the primary key's: those said at a column, then the others.
    pub fn all_indexes(&self) -> impl Iterator<Item = Index> {
        let single = self.columns.iter().filter_map(|column| {
            let kind = match column.index? {
                SingleIndex::Plain => IndexKind::Plain,
                SingleIndex::Unique => IndexKind::Unique,
            };
            Some(Index {
                kind,
                columns: std::slice::from_ref(&column.name),
            })
        });
        single.chain(self.indexes.iter().copied())
    }

    /// The name under which an index of this table is made: `<table>_<column>…`, as Quay's migrations do.
    pub fn index_name(&self, index: &Index) -> String {
        let suffix = match index.kind {
            IndexKind::UniqueWhere(_) => "_where",
            _ => "",
        };
        short(format!("{}_{}{suffix}", self.name, index.columns.join("_")))
    }

    /// Names of the primary key's columns, without a generated `id`.
    pub(super) fn declared_primary_key(&self) -> Vec<&'static str> {
        self.columns
            .iter()
            .filter(|column| column.primary_key)
            .map(|column| column.name)
            .collect()
    }
}

/// Cuts a name to what PostgreSQL keeps. All names here are ASCII.
pub(super) fn short(mut name: String) -> String {
    name.truncate(MAX_NAME_BYTES);
    name
}

const fn column(name: &'static str, kind: Type) -> Column {
    Column {
        name,
        kind,
        nullable: false,
        default: None,
        references: None,
        primary_key: false,
        index: None,
    }
}

pub(super) const fn id() -> Column {
    column("id", Type::Id)
}

pub(super) const fn big_id() -> Column {
    column("id", Type::BigId)
}

pub(super) const fn integer(name: &'static str) -> Column {
    column(name, Type::Integer)
}

pub(super) const fn bigint(name: &'static str) -> Column {
    column(name, Type::BigInt)
}

pub(super) const fn boolean(name: &'static str) -> Column {
    column(name, Type::Boolean)
}

pub(super) const fn timestamp(name: &'static str) -> Column {
    column(name, Type::Timestamp)
}

pub(super) const fn date(name: &'static str) -> Column {
    column(name, Type::Date)
}

pub(super) const fn varchar(name: &'static str, characters: u16) -> Column {
    column(name, Type::Varchar(characters))
}

pub(super) const fn text(name: &'static str) -> Column {
    column(name, Type::Text)
}

pub(super) const fn table(name: &'static str, columns: &'static [Column]) -> Table {
    Table {
        name,
        columns,
        indexes: &[],
    }
}

pub(super) const fn index(columns: &'static [&'static str]) -> Index {
    Index {
        kind: IndexKind::Plain,
        columns,
    }
}

pub(super) const fn unique(columns: &'static [&'static str]) -> Index {
    Index {
        kind: IndexKind::Unique,
        columns,
    }
}

pub(super) const fn unique_where(
    columns: &'static [&'static str],
    condition: &'static str,
) -> Index {
    Index {
        kind: IndexKind::UniqueWhere(condition),
        columns,
    }
}

pub(super) const fn trigram(columns: &'static [&'static str]) -> Index {
    Index {
        kind: IndexKind::Trigram,
        columns,
    }
}
