package sqlitelog_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log/logtest"
	"github.com/palabre-cms/palabre/core/internal/sqlite"
)

// format1 is a file as programs made it before commits had origins.
const format1 = `
create table commits (
	position integer primary key, id text not null, at integer not null, by text not null, reason text not null, key text not null,
	sum text not null, digests text not null, changes text not null
) strict;
create table kv (key blob primary key, value blob not null, version integer not null, expires integer not null) strict, without rowid;
create index kv_expires on kv (expires) where expires > 0;
create table leases (name blob primary key, holder text not null, token integer not null, expires integer not null) strict, without rowid;
insert into commits values (1, '01jqg7z1t0000000000000000a', 1774749600000, 'user:01jq', 'create', '', '9f86d081', '',
	'[{"type":"fiche","entry":"01jqg7z1t0000000000000000b","op":"put","meta":{"rev":1,"status":"draft","createdAt":"2026-03-29T02:00:00Z","updatedAt":"2026-03-29T02:00:00Z"},"draft":{"title":"Été"}}]');
pragma user_version = 1;
`

func TestOpen_OldFormat(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	db, err := sqlite.Open(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(format1); err != nil {
		t.Fatal(err)
	}
	db.Close()
	for range 2 { // the second time there is nothing to bring up to date
		l := open(t, path)
		got, err := l.Read(t.Context(), 1, 10)
		if err != nil || len(got) == 0 || string(got[0].Changes[0].Draft) != `{"title":"Été"}` || got[0].Origin != nil {
			t.Fatalf("got %+v, %v", got, err)
		}
		next := logtest.Chain(&got[len(got)-1], 1)
		next[0].Origin = &core.Origin{Address: "192.0.2.7"}
		next[0].Seal(got[len(got)-1].Sum)
		if _, err := l.Append(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		if got, err = l.Read(t.Context(), next[0].Position, 10); err != nil || cmp.Diff(next, got) != "" {
			t.Errorf("got %+v, %v, want %+v", got, err, next)
		}
		l.Close()
	}
}
