package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// line is the connection of one delivery.
type line struct {
	mailer *Mailer
	mu     sync.Mutex
	conn   net.Conn
}

func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		l.conn.Close()
	}
}

// dial opens the connection, encrypted at once where the operator wants it so.
func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	m := l.mailer
	conn, err := m.o.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn = &bounded{Conn: conn, until: time.Now().Add(m.o.Timeout)}
	l.mu.Lock()
	l.conn = conn
	l.mu.Unlock()
	if m.o.TLS != Implicit {
		return conn, nil
	}
	secure := tls.Client(conn, m.tlsConfig())
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return secure, nil
}

// mostHeard is how much a server may say in one delivery, its certificates included.
const mostHeard = 1 << 20

var errTalks = errors.New("the server says more than is listened to")

// bounded ends a connection at a time, however often its deadline is put off, and after as much as was read: a server that
// answers each command just in time would keep a delivery for ever, and one whose line has no end would fill the memory.
type bounded struct {
	net.Conn
	until time.Time
	heard int // read by one goroutine at a time
}

// Read fails when the server has said too much.
func (b *bounded) Read(p []byte) (int, error) {
	if b.heard >= mostHeard {
		return 0, errTalks
	}
	n, err := b.Conn.Read(p[:min(len(p), mostHeard-b.heard)])
	b.heard += n
	return n, err
}

// SetDeadline sets the earlier of a time and the end.
func (b *bounded) SetDeadline(t time.Time) error {
	if t.IsZero() || t.After(b.until) {
		t = b.until
	}
	return b.Conn.SetDeadline(t)
}
