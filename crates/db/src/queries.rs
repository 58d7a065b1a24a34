//! Every SQL statement, by the tables it is about. A function is one statement and holds no policy.
