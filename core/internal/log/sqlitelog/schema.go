package sqlitelog

import (
	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/sqlite"
)

// formatVersion is kept in the file's user_version. A program refuses files that are newer than itself.
const formatVersion = 2

// schema makes the tables. Names of keys and leases are blobs, so that comparing and cutting them is by bytes.
const schema = `
create table commits (
	position integer primary key,
	id       text not null,
	at       integer not null, -- Unix milliseconds
	by       text not null,
	reason   text not null,
	key      text not null,    -- JSON, '' without one
	sum      text not null,
	digests  text not null,    -- JSON, '' unless redacted
	changes  text not null,    -- JSON
	origin   text not null default '' -- JSON, '' without one
) strict;
create table kv (
	key     blob primary key,
	value   blob not null,
	version integer not null,
	expires integer not null   -- Unix milliseconds, 0 for never
) strict, without rowid;
create index kv_expires on kv (expires) where expires > 0;
create table leases (
	name    blob primary key,
	holder  text not null,     -- '' when released
	token   integer not null,
	expires integer not null   -- Unix milliseconds
) strict, without rowid;
pragma user_version = 2;
`

// addOrigin makes a file of format 1 one of format 2.
const addOrigin = `
alter table commits add column origin text not null default '';
pragma user_version = 2;
`

func migrate(db *sqlite.DB) error {
	var version int
	if err := db.Write.QueryRow(`pragma user_version`).Scan(&version); err != nil {
		return translate("read the log's format", err)
	}
	switch {
	case version == 0:
		_, err := db.Write.Exec("begin immediate;" + schema + "commit")
		return translate("make the log's tables", err)
	case version == 1:
		_, err := db.Write.Exec("begin immediate;" + addOrigin + "commit")
		return translate("bring the log's tables up to date", err)
	case version > formatVersion:
		return core.Errorf(core.CodeConflict, "the log has format %d, made by a newer Palabre: this one reads up to %d", version, formatVersion)
	}
	return nil
}
