package mail_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// smtpServer is as much of an SMTP server as a test needs. It notes every command and every message.
type smtpServer struct {
	addr     string
	tls      *tls.Config
	roots    *x509.CertPool
	offers   []string // of EHLO
	implicit bool
	silent   bool   // it takes the connection and says nothing
	refuses  string // the command that it refuses
	because  string // what it says then; "" for a secret of its own
	floods   string // the command in whose place it talks without end: "220" for its greeting
	injects  bool   // it says more after STARTTLS before the encryption begins

	mu       sync.Mutex
	commands []string
	messages []string
	flooded  int
	secure   []bool // whether the connection was encrypted, by message
}

func newServer(t *testing.T, s *smtpServer) *smtpServer {
	t.Helper()
	s.tls, s.roots = certificate(t, "localhost")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); open.Wait() })
	return s
}

func (s *smtpServer) serve(conn net.Conn) {
	defer func() { conn.Close() }()
	if s.silent {
		_, _ = conn.Read(make([]byte, 1)) // until the other side leaves
		return
	}
	secure := s.implicit
	if s.implicit {
		conn = tls.Server(conn, s.tls)
	}
	in := bufio.NewReader(conn)
	say := func(line string) { _, _ = conn.Write([]byte(line + "\r\n")) }
	if s.floods == "220" {
		s.flood(conn)
		return
	}
	say("220 test")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		s.note(line)
		verb, _, _ := strings.Cut(line, " ")
		switch {
		case verb == s.floods:
			s.flood(conn)
			return
		case verb == s.refuses && s.because != "":
			say("550 " + s.because)
		case verb == s.refuses:
			say("550 no: the database of accounts at 10.1.2.3 is away")
		case verb == "EHLO":
			say("250-test")
			for _, offer := range s.offers {
				if offer != "STARTTLS" || !secure {
					say("250-" + offer)
				}
			}
			say("250 8BITMIME")
		case verb == "STARTTLS":
			if s.injects {
				_, _ = conn.Write([]byte("220 go on\r\n250-injected\r\n250 AUTH PLAIN\r\n235 welcome\r\n"))
			} else {
				say("220 go on")
			}
			conn, secure = tls.Server(conn, s.tls), true
			in = bufio.NewReader(conn)
		case verb == "AUTH":
			say("235 welcome")
		case verb == "DATA":
			say("354 go on")
			s.receive(in, secure)
			say("250 taken")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

// flood talks until the other side has heard enough, and notes how much that was.
func (s *smtpServer) flood(conn net.Conn) {
	block := []byte("220-" + strings.Repeat("x", 32<<10))
	for {
		n, err := conn.Write(block)
		s.mu.Lock()
		s.flooded += n
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (s *smtpServer) receive(in *bufio.Reader, secure bool) {
	var msg strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			break
		}
		msg.WriteString(strings.TrimPrefix(line, "."))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages, s.secure = append(s.messages, msg.String()), append(s.secure, secure)
}

func (s *smtpServer) note(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands = append(s.commands, line)
}

func (s *smtpServer) seen() (commands string, messages []string, secure []bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.commands, "\n"), s.messages, s.secure
}

func plainCredentials(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))
}

func certificate(t *testing.T, host string) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, roots
}
