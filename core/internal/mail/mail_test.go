package mail_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/mail"
)

func mailer(t *testing.T, s *smtpServer, o mail.Options) *mail.Mailer {
	t.Helper()
	_, port, _ := net.SplitHostPort(s.addr)
	o.Host, o.Roots, o.From = "localhost", s.roots, "Palabre – site <palabre@example.org>"
	o.Port, _ = strconv.Atoi(port)
	o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != "localhost:"+port {
			return nil, errors.New("asked for " + address)
		}
		return (&net.Dialer{}).DialContext(ctx, network, s.addr)
	}
	m, err := mail.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const text = "Bonjour Camille,\n\nvoici le lien : https://cms.example.org/reset?token=abc=def\n.\nÀ bientôt – l’équipe\n"

func TestSend_Message(t *testing.T) {
	t.Parallel()
	s := newServer(t, &smtpServer{offers: []string{"STARTTLS"}})
	at := time.Date(2026, 2, 1, 9, 0, 0, 0, time.UTC)
	m := mailer(t, s, mail.Options{Now: func() time.Time { return at }})
	if err := m.Send(t.Context(), "camille@example.org", "Réinitialiser le mot de passe", text); err != nil {
		t.Fatal(err)
	}
	commands, messages, secure := s.seen()
	if len(messages) != 1 || !secure[0] {
		t.Fatalf("got %d messages, encrypted %v", len(messages), secure)
	}
	if !strings.Contains(commands, "RCPT TO:<camille@example.org>") || !strings.Contains(commands, "MAIL FROM:<palabre@example.org>") || !strings.Contains(commands, "EHLO example.org") {
		t.Errorf("got\n%s", commands)
	}
	msg, err := netmail.ReadMessage(strings.NewReader(messages[0]))
	if err != nil {
		t.Fatal(err)
	}
	from, err := msg.Header.AddressList("From")
	if err != nil || from[0].Name != "Palabre – site" {
		t.Errorf("From: got %v, %v", from, err)
	}
	date, err := msg.Header.Date()
	if err != nil || !date.Equal(at) {
		t.Errorf("Date: got %v, %v", date, err)
	}
	subject, err := header(msg.Header.Get("Subject"))
	if err != nil || subject != "Réinitialiser le mot de passe" {
		t.Errorf("Subject: got %q, %v", subject, err)
	}
	if id := msg.Header.Get("Message-ID"); !strings.HasSuffix(id, "@example.org>") || len(id) < 30 {
		t.Errorf("Message-ID: got %q", id)
	}
	if got := msg.Header.Get("Auto-Submitted"); got != "auto-generated" {
		t.Errorf("Auto-Submitted: got %q", got)
	}
	if got := msg.Header.Get("Content-Type"); got != "text/plain; charset=UTF-8" {
		t.Errorf("Content-Type: got %q", got)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(msg.Body))
	if got := strings.TrimRight(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n") + "\n"; err != nil || got != text {
		t.Errorf("body: got %q, %v", got, err)
	}
}

func header(s string) (string, error) { return new(mime.WordDecoder).DecodeHeader(s) }

func TestSend_Encryption(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		server *smtpServer
		tls    string
		ok     bool
		secure bool
	}{
		{name: "STARTTLS", server: &smtpServer{offers: []string{"STARTTLS"}}, ok: true, secure: true},
		{name: "STARTTLS is not offered", server: &smtpServer{}},
		{name: "STARTTLS is refused", server: &smtpServer{offers: []string{"STARTTLS"}, refuses: "STARTTLS"}},
		{name: "implicit", server: &smtpServer{implicit: true}, tls: mail.Implicit, ok: true, secure: true},
		{name: "implicit, and the server speaks plainly", server: &smtpServer{}, tls: mail.Implicit},
		{name: "none", server: &smtpServer{}, tls: mail.None, ok: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, tc.server)
			err := mailer(t, s, mail.Options{TLS: tc.tls, Timeout: 2 * time.Second}).Send(t.Context(), "camille@example.org", "s", "t")
			_, messages, secure := s.seen()
			if tc.ok != (err == nil) || tc.ok != (len(messages) == 1) {
				t.Fatalf("got %v, %d messages", err, len(messages))
			}
			if tc.ok && secure[0] != tc.secure {
				t.Errorf("encrypted: got %v", secure[0])
			}
			if !tc.ok && core.CodeOf(err) != core.CodeUnavailable {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSend_StrangeCertificate(t *testing.T) {
	t.Parallel()
	s := newServer(t, &smtpServer{offers: []string{"STARTTLS"}})
	_, s.roots = certificate(t, "localhost")
	err := mailer(t, s, mail.Options{}).Send(t.Context(), "camille@example.org", "s", "t")
	if _, messages, _ := s.seen(); core.CodeOf(err) != core.CodeUnavailable || len(messages) > 0 {
		t.Errorf("got %v, %d messages", err, len(messages))
	}
}

func TestSend_SignsIn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		server *smtpServer
		tls    string
		ok     bool
	}{
		{name: "after STARTTLS", server: &smtpServer{offers: []string{"STARTTLS", "AUTH PLAIN"}}, ok: true},
		{name: "implicit", server: &smtpServer{offers: []string{"AUTH PLAIN"}, implicit: true}, tls: mail.Implicit, ok: true},
		{name: "not offered", server: &smtpServer{offers: []string{"STARTTLS"}}},
		{name: "offered before the encryption only", server: &smtpServer{offers: []string{"STARTTLS"}, injects: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, tc.server)
			err := mailer(t, s, mail.Options{TLS: tc.tls, User: "palabre", Password: "correct horse"}).Send(t.Context(), "camille@example.org", "s", "t")
			commands, messages, _ := s.seen()
			if tc.ok != (err == nil) || tc.ok != (len(messages) == 1) || tc.ok != strings.Contains(commands, "AUTH PLAIN "+plainCredentials("palabre", "correct horse")) {
				t.Errorf("got %v, %d messages\n%s", err, len(messages), commands)
			}
			if !tc.ok && strings.Contains(commands, "AUTH ") {
				t.Errorf("a password was sent:\n%s", commands)
			}
		})
	}
}

func TestSend_Injection(t *testing.T) {
	t.Parallel()
	s := newServer(t, &smtpServer{})
	m := mailer(t, s, mail.Options{TLS: mail.None})
	for _, to := range []string{"", "camille", "camille@", "@example.org", "camille@example.org\r\nBcc: all@example.org", "camille@example.org\nRCPT TO:<all@example.org>", "camille@example.org>\r\nDATA",
		"camille@example.org,all@example.org", "camille@example.org;all@example.org", "Camille <camille@example.org>", "<camille@example.org>", "camille@example.org (all@example.org)", "\"a\r\nb\"@example.org", "\"a b\"@example.org",
		"a@b@example.org", "camille@example.org\x00", "camille@example.org ", " camille@example.org", "camille@example.org\u2028", "camille@example.org SIZE=1", "camille@[127.0.0.1]", strings.Repeat("a", 250) + "@example.org"} {
		if err := m.Send(t.Context(), to, "s", "t"); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("to %q: got %v", to, err)
		}
	}
	for _, subject := range []string{"a\r\nBcc: all@example.org", "a\nb", "a\rb", "a\x00b", "a\u0085b", "a\xff", strings.Repeat("a", 401)} {
		if err := m.Send(t.Context(), "camille@example.org", subject, "t"); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("subject %q: got %v", subject, err)
		}
	}
	if commands, _, _ := s.seen(); commands != "" {
		t.Errorf("the server was spoken to:\n%s", commands)
	}
}

// What stands in a text is text, whatever it looks like.
func TestSend_TextIsText(t *testing.T) {
	t.Parallel()
	s := newServer(t, &smtpServer{})
	m := mailer(t, s, mail.Options{TLS: mail.None})
	for _, end := range []string{"\r\n.\r\n", "\n.\n", "\r.\r", "\n.\r\n", "\r\n.\r", "\r\n.\n"} {
		if err := m.Send(t.Context(), "camille@example.org", "s", "before"+end+"MAIL FROM:<evil@example.org>\r\nRCPT TO:<all@example.org>\r\nDATA\r\nafter"); err != nil {
			t.Fatal(err)
		}
	}
	commands, messages, _ := s.seen()
	if strings.Contains(commands, "evil") || strings.Contains(commands, "all@") || len(messages) != 6 {
		t.Errorf("got %d messages\n%s", len(messages), commands)
	}
	for _, m := range messages {
		if head, _, _ := strings.Cut(m, "\r\n\r\n"); strings.Contains(head, "evil") || !strings.Contains(m, "after") || strings.Contains(strings.ReplaceAll(m, "\r\n", ""), "\n") {
			t.Errorf("got %q", m)
		}
	}
}

func TestSend_Fails(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		server *smtpServer
	}{
		{name: "silent", server: &smtpServer{silent: true}},
		{name: "sender refused", server: &smtpServer{refuses: "MAIL"}},
		{name: "recipient refused", server: &smtpServer{refuses: "RCPT"}},
		{name: "message refused", server: &smtpServer{refuses: "DATA"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			s := newServer(t, tc.server)
			m := mailer(t, s, mail.Options{TLS: mail.None, Timeout: 200 * time.Millisecond, Password: "correct horse", Logger: slog.New(slog.NewTextHandler(&log, nil))})
			err := m.Send(t.Context(), "camille@example.org", "s", "t")
			e, ok := core.AsError(err)
			if !ok || e.Code != core.CodeUnavailable || e.Reason != "mail" || strings.Contains(err.Error(), "10.1.2.3") || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			if !strings.Contains(log.String(), "cause=") || strings.Contains(log.String(), "horse") {
				t.Errorf("logged %s", log.String())
			}
		})
	}
}

func TestNew_Incomplete(t *testing.T) {
	t.Parallel()
	dial := (&net.Dialer{}).DialContext
	for name, o := range map[string]mail.Options{
		"no host": {From: "a@example.org", Dial: dial}, "no sender": {Host: "smtp.example.org", Dial: dial}, "no dialer": {Host: "smtp.example.org", From: "a@example.org"},
		"a password in the clear": {Host: "smtp.example.org", From: "a@example.org", Dial: dial, User: "palabre", Password: "correct horse", TLS: mail.None},
		"two senders":             {Host: "smtp.example.org", From: "a@example.org, b@example.org", Dial: dial}, "a line break": {Host: "smtp.example.org", From: "A\r\nBcc: b@example.org <a@example.org>", Dial: dial},
	} {
		if _, err := mail.New(o); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// The log knows accounts by their identifiers: nobody's address gets there, whoever says it.
func TestSend_LogKnowsNobody(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]*smtpServer{
		"the library": {refuses: "MAIL"}, "the server": {refuses: "RCPT", because: "<Camille@example.org>: no such user"}, "in parts": {refuses: "RCPT", because: "no user camille in here"},
	} {
		var log bytes.Buffer
		m := mailer(t, newServer(t, server), mail.Options{TLS: mail.None, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err := m.Send(t.Context(), "camille@example.org", "s", "t"); err == nil {
			t.Errorf("%s: sent", name)
		}
		if text := log.String(); strings.Contains(strings.ToLower(text), "camille") || !strings.Contains(text, "550") {
			t.Errorf("%s: logged %s", name, text)
		}
	}
}

// A server that talks without end fills neither the memory nor the log.
func TestSend_Flood(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"220", "EHLO", "MAIL", "QUIT"} {
		var log bytes.Buffer
		s := newServer(t, &smtpServer{floods: at})
		_ = mailer(t, s, mail.Options{TLS: mail.None, Timeout: 2 * time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil))}).Send(t.Context(), "camille@example.org", "s", "t")
		s.mu.Lock()
		heard := s.flooded
		s.mu.Unlock()
		if heard > 16<<20 || log.Len() > 2000 { // what the system takes for us counts too
			t.Errorf("%s: %d bytes were taken, %d logged", at, heard, log.Len())
		}
	}
}
