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
	selectLease  = `select holder, token, expires from leases where name = ?`
	replaceLease = `insert into leases (name, holder, token, expires) values (?, ?, ?, ?) on conflict do update set holder = excluded.holder, token = excluded.token, expires = excluded.expires`
	releaseLease = `update leases set holder = '', expires = 0 where name = ? and holder = ?`
)

// Lease takes or renews a lease. The token rises whenever the lease was not held.
func (l *Log) Lease(ctx context.Context, name, holder string, ttl time.Duration) (token int64, err error) {
	if err := log.CheckLease(name, holder, ttl); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	err = sqlite.Update(context.WithoutCancel(ctx), l.db.Write, func(tx *sql.Tx) error {
		token, err = l.takeLease(tx, name, holder, ttl)
		return err
	})
	if err != nil {
		return 0, translate("take a lease", err)
	}
	return token, nil
}

func (l *Log) takeLease(tx *sql.Tx, name, holder string, ttl time.Duration) (int64, error) {
	var current string
	var token, expires int64
	err := tx.QueryRow(selectLease, []byte(name)).Scan(&current, &token, &expires)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	now := l.clock()
	held := expires > now.UnixMilli()
	if held && current != holder {
		return 0, core.Errorf(core.CodeConflict, "the lease %q is held by %s", name, current)
	}
	if !held {
		token++
	}
	_, err = tx.Exec(replaceLease, []byte(name), holder, token, millis(now.Add(ttl)))
	return token, err
}

// Release gives a lease back; its token is kept, so that the next one is higher.
func (l *Log) Release(ctx context.Context, name, holder string) error {
	_, err := l.db.Write.ExecContext(ctx, releaseLease, []byte(name), holder)
	return translate("release a lease", err)
}
