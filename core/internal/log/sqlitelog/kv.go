package sqlitelog

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log"
	"github.com/palabre-cms/palabre/core/internal/sqlite"
)

const (
	selectKV   = `select value, version, expires from kv where key = ?`
	replaceKV  = `insert into kv (key, value, version, expires) values (?, ?, ?, ?) on conflict do update set value = excluded.value, version = excluded.version, expires = excluded.expires`
	deleteKV   = `delete from kv where key = ?`
	deleteOld  = `delete from kv where expires > 0 and expires <= ?`
	weighKeys  = `select count(*), coalesce(sum(length(key) + length(value)), 0) from kv where key >= ?1 and key < ?2 and (expires = 0 or expires > ?3)`
	selectKeys = `select key from kv where key >= ?1 and key < ?2 and (expires = 0 or expires > ?3) order by key`
)

// Get gives a value that has not expired.
func (l *Log) Get(ctx context.Context, key string) (core.KV, error) {
	kv, err := get(l.db.Read.QueryRowContext(ctx, selectKV, []byte(key)), key)
	if err == nil && expired(kv, l.clock()) {
		err = sql.ErrNoRows
	}
	if errors.Is(err, sql.ErrNoRows) {
		return core.KV{}, core.Errorf(core.CodeNotFound, "the key %q is not there", key)
	}
	return kv, translate("read a key", err)
}

func get(row *sql.Row, key string) (core.KV, error) {
	kv := core.KV{Key: key}
	var expires int64
	if err := row.Scan(&kv.Value, &kv.Version, &expires); err != nil {
		return kv, err
	}
	if expires > 0 {
		kv.Expires = time.UnixMilli(expires).UTC()
	}
	return kv, nil
}

func expired(kv core.KV, now time.Time) bool {
	return !kv.Expires.IsZero() && !kv.Expires.After(now)
}

// Set creates or replaces a value, and takes out what has expired on the way.
func (l *Log) Set(ctx context.Context, kv core.KV) (version int64, err error) {
	if err := log.CheckKV(kv); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	err = sqlite.Update(context.WithoutCancel(ctx), l.db.Write, func(tx *sql.Tx) error {
		if _, err := tx.Exec(deleteOld, l.clock().UnixMilli()); err != nil {
			return err
		}
		if err := matches(tx, kv); err != nil {
			return err
		}
		version = log.NextVersion(kv.Version)
		value := append([]byte{}, kv.Value...) // never nil, which would be null
		_, err := tx.Exec(replaceKV, []byte(kv.Key), value, version, millis(kv.Expires))
		return err
	})
	if err != nil {
		return 0, translate("set a key", err)
	}
	return version, nil
}

// matches refuses a Set whose Version is not what is there.
func matches(tx *sql.Tx, kv core.KV) error {
	old, err := get(tx.QueryRow(selectKV, []byte(kv.Key)), kv.Key)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if old.Version != kv.Version {
		return core.Errorf(core.CodeConflict, "the key %q was changed by another: read it again", kv.Key)
	}
	return nil
}

// Delete removes a key; one that is not there is no error.
func (l *Log) Delete(ctx context.Context, key string) error {
	_, err := l.db.Write.ExecContext(ctx, deleteKV, []byte(key))
	return translate("delete a key", err)
}

// Keys lists keys by prefix.
func (l *Log) Keys(ctx context.Context, prefix string) ([]string, error) {
	from, to := span(prefix)
	rows, err := l.db.Read.QueryContext(ctx, selectKeys, from, to, l.clock().UnixMilli())
	if err != nil {
		return nil, translate("list keys", err)
	}
	defer rows.Close()
	var keys []string
	for rows.Next() {
		var key []byte
		if err := rows.Scan(&key); err != nil {
			return nil, translate("list keys", err)
		}
		keys = append(keys, string(key))
	}
	return keys, translate("list keys", rows.Err())
}

// Weigh counts keys by prefix. The length of a value stands in the head of its row, so that none is read.
func (l *Log) Weigh(ctx context.Context, prefix string) (w core.Weight, err error) {
	from, to := span(prefix)
	err = l.db.Read.QueryRowContext(ctx, weighKeys, from, to, l.clock().UnixMilli()).Scan(&w.Keys, &w.Bytes)
	return w, translate("weigh keys", err)
}

// span gives the keys with a prefix as those from one on, and before another.
func span(prefix string) (from, to []byte) {
	from = []byte{}
	to = append(to, prefix...)
	from = append(from, prefix...)
	for len(to) > 0 && to[len(to)-1] == 0xff {
		to = to[:len(to)-1]
	}
	if len(to) == 0 {
		return from, []byte{0xff} // keys are UTF-8, which has no such byte
	}
	to[len(to)-1]++
	return from, to
}

// millis writes an expiry down, rounded up, so that nothing expires early.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(1, t.Add(time.Millisecond-1).UnixMilli())
}
