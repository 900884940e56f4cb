package mail

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/palabre-cms/palabre/core"
)

// How the connection to the server is encrypted.
const (
	STARTTLS = "starttls" // plain at first, then encrypted, or not at all
	Implicit = "implicit" // from the first byte
	None     = "none"     // not: for a server on this machine or in the same closed network
)

// Options is what a Mailer is made of. Host, From and Dial are required.
type Options struct {
	Host           string
	Port           int    // 587, or 465 with Implicit
	User, Password string // "" signs in nowhere; not with None
	From           string // an address, with or without a name: "Palabre <palabre@example.org>"
	TLS            string // STARTTLS, Implicit or None; STARTTLS

	// Dial opens the connection.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	Timeout time.Duration  // of a whole delivery; 15 s
	Roots   *x509.CertPool // who may vouch for the server; nil for whom the system trusts
	Now     func() time.Time
	Logger  *slog.Logger
}

// Mailer sends messages. Make it with New. Its methods may be called at once.
type Mailer struct {
	o      Options
	from   address
	client []gomail.Option
}

// New makes a Mailer. It connects to nothing.
func New(o Options) (*Mailer, error) {
	o = o.withDefaults()
	from, err := readSender(o.From)
	if err != nil || o.Host == "" || o.Dial == nil {
		return nil, core.Errorf(core.CodeInvalid, "mail: a host, a way to dial it and a sender's address are needed")
	}
	if o.TLS == None && o.User != "" {
		return nil, core.Errorf(core.CodeInvalid, "mail: no password is sent to a server without encryption")
	}
	m := &Mailer{o: o, from: from}
	m.client = slices.Clip(m.options()) // each delivery adds to it
	_, err = gomail.NewClient(o.Host, m.client...)
	return m, core.Wrap("mail.New", err)
}

func (o Options) withDefaults() Options {
	if o.TLS == "" {
		o.TLS = STARTTLS
	}
	if o.Port == 0 {
		o.Port = 587
		if o.TLS == Implicit {
			o.Port = 465
		}
	}
	if o.Timeout <= 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// options says nothing of this machine to the server: it calls itself by the sender's domain.
func (m *Mailer) options() []gomail.Option {
	o := m.o
	list := []gomail.Option{gomail.WithPort(o.Port), gomail.WithTimeout(o.Timeout), gomail.WithHELO(m.from.domain()),
		gomail.WithTLSConfig(m.tlsConfig()), gomail.WithTLSPolicy(policies[o.TLS])}
	if o.User != "" {
		list = append(list, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(o.User), gomail.WithPassword(o.Password))
	}
	return list
}

// policies has Implicit as opportunistic: the connection is encrypted already when the library looks at it.
var policies = map[string]gomail.TLSPolicy{STARTTLS: gomail.TLSMandatory, Implicit: gomail.TLSOpportunistic, None: gomail.NoTLS}

func (m *Mailer) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: m.o.Host, RootCAs: m.o.Roots, MinVersion: tls.VersionTLS12}
}

// Send delivers a message to the server, or fails within the Timeout: CodeInvalid for a recipient or subject that cannot
// be one, else CodeUnavailable with Reason "mail". Why is told to the log only.
func (m *Mailer) Send(ctx context.Context, to, subject, text string) error {
	msg, err := m.message(to, subject, text)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, m.o.Timeout)
	defer cancel()
	if err := m.deliver(ctx, msg); err != nil {
		return m.unsent(err)
	}
	return nil
}

// deliver closes the connection itself, since the library leaves it open after some failures.
func (m *Mailer) deliver(ctx context.Context, msg *gomail.Msg) error {
	line := &line{mailer: m}
	defer line.close()
	defer context.AfterFunc(ctx, line.close)()
	client, err := gomail.NewClient(m.o.Host, append(m.client, gomail.WithDialContextFunc(line.dial))...)
	if err != nil {
		return err
	}
	err = client.DialAndSendWithContext(ctx, msg)
	return either(ctx.Err(), err)
}

// either gives the caller's own end before what followed of it.
func either(ended, err error) error {
	if err != nil && ended != nil {
		return ended
	}
	return err
}

func (m *Mailer) unsent(cause error) error {
	m.o.Logger.Warn("a message was not sent", "server", m.o.Host, "cause", told(cause))
	e := &core.Error{Op: "mail.Send", Code: core.CodeUnavailable, Reason: "mail", Message: unsentText["en"], Texts: unsentText}
	if errors.Is(cause, context.Canceled) {
		e.Err = context.Canceled
	}
	return e
}

// mostTold is how much of a cause the log is told.
const mostTold = 300

// told words a cause for the log. Once the server knows for whom the message is, of its words only the codes are told: they
// name people, and the log does not.
func told(cause error) string {
	var refused *gomail.SendError
	if errors.As(cause, &refused) {
		return strings.TrimSpace(fmt.Sprintf("%s: %d %s", refused.Reason, refused.ErrorCode(), refused.EnhancedStatusCode()))
	}
	text := cause.Error()
	return strings.ToValidUTF8(text[:min(len(text), mostTold)], "")
}

var unsentText = core.Text{"en": "The message could not be sent. Try again later.", "fr": "Le message n’a pas pu être envoyé. Réessayez plus tard."}

func (m *Mailer) message(to, subject, text string) (*gomail.Msg, error) {
	recipient, err := readRecipient(to)
	if err != nil {
		return nil, err
	}
	if !printable(subject) || len(subject) > maxSubject {
		return nil, refuse("The subject must be one line.", "L’objet doit tenir sur une ligne.")
	}
	msg := gomail.NewMsg(gomail.WithCharset(gomail.CharsetUTF8), gomail.WithEncoding(gomail.EncodingQP), gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(m.from.parsed)
	msg.ToMailAddress(recipient.parsed)
	msg.Subject(subject)
	msg.SetDateWithValue(m.o.Now())
	msg.SetMessageIDWithValue(strings.ToLower(rand.Text()) + "@" + m.from.domain())
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetBodyString(gomail.TypeTextPlain, lines(text))
	return msg, nil
}

// lines ends every line alike, as mail wants it.
func lines(text string) string {
	return strings.ReplaceAll(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n", "\r\n")
}
