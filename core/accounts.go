package core

import (
	"context"
	"net/url"
	"time"
)

// Accounts signs people in and out. Its errors tell a stranger nothing of which accounts there are, neither by their
// words nor by the time that they take.
type Accounts interface {
	// Session gives the principal behind the value of a session cookie; CodeUnauthenticated for one that does not hold, or no
	// longer. It never asks the store.
	Session(ctx context.Context, cookie string) (*Principal, error)
	// CSRF is what a write that comes with a session cookie must send as X-CSRF-Token.
	CSRF(cookie string) string

	// SignIn checks a password and, where the account has one, a second factor. CodeUnauthenticated; with Reason "otp_required"
	// when the password was right and a code is missing; CodeRateLimited with Extra "retryAfter" in seconds.
	SignIn(ctx context.Context, s SignIn) (*SignedIn, error)
	// SignOut ends the caller's session, everywhere.
	SignOut(ctx context.Context, who *Principal) error
	// Me is the caller's own account; nil without an error for who is not a user.
	Me(ctx context.Context, who *Principal) (*Account, error)
	// ChangePassword ends all sessions of the account and begins a new one.
	ChangePassword(ctx context.Context, who *Principal, c PasswordChange) (*SignedIn, error)
	// Forgot sends a link for a new password, if there is such an account. It answers alike in any case.
	Forgot(ctx context.Context, email string) error
	// ResetLink makes such a link for an administrator to hand over to an account, which he names by its identifier or its
	// e-mail address. Where the site does not know its own address, the link is a path.
	ResetLink(ctx context.Context, who *Principal, user string) (link string, expires time.Time, err error)
	// CheckReset gives CodeForbidden with Reason "reset_token" for the token of a link that does not hold. It uses nothing up.
	CheckReset(ctx context.Context, token string) error
	// Reset sets a new password with the token of a link, once, ends all sessions of the account and revokes the API tokens
	// that act for it or that it has made.
	Reset(ctx context.Context, token, password string) error

	// BeginTOTP makes a secret that does not count before ConfirmTOTP, in the same session, has seen a code of it. CodeInvalid
	// for a Proof that is not whole; CodeForbidden with Reason "password" or "otp_invalid" for one that is wrong, and with
	// "sign_in_again" where the sign-in that must stand for a password is too old. Where there is a second factor already, it
	// stays until the new one is confirmed.
	BeginTOTP(ctx context.Context, who *Principal, p Proof) (*TOTPSetup, error)
	// ConfirmTOTP turns the second factor on, ends the other sessions of the account, and gives the recovery codes, which are
	// shown once.
	ConfirmTOTP(ctx context.Context, who *Principal, code string) (recovery []string, err error)
	// DropTOTP turns it off and ends all sessions of the account.
	DropTOTP(ctx context.Context, who *Principal, p Proof) error
	// NewRecoveryCodes replaces the recovery codes and ends the other sessions of the account.
	NewRecoveryCodes(ctx context.Context, who *Principal, p Proof) ([]string, error)

	// Sessions lists the caller's sessions, the newest first.
	Sessions(ctx context.Context, who *Principal) ([]Session, error)
	// EndSession ends one of the caller's sessions; EndOthers all but the one that he came with.
	EndSession(ctx context.Context, who *Principal, id EntryID) error
	EndOthers(ctx context.Context, who *Principal) error

	// Providers lists where else one can sign in.
	Providers() []IdentityProvider
	// BeginOIDC gives the address to send the browser to, and what it must bring back beside the answer.
	BeginOIDC(ctx context.Context, provider, back string) (redirect, state string, err error)
	// EndOIDC takes the provider's answer. back is a path of this site.
	EndOIDC(ctx context.Context, provider string, answer url.Values, state string) (in *SignedIn, back string, err error)
}

// SignIn is an attempt to sign in.
type SignIn struct {
	Email, Password string
	OTP             string // a code of the second factor, or a recovery code
}

// PasswordChange is somebody's own change of his password.
type PasswordChange struct {
	Current, Next string
	RevokeTokens  bool // revoke the API tokens that act for the account or that it has made, as a reset does
}

// Proof is what somebody who is signed in sends once more, before his second factor is touched: the password of an account
// that has one, and a code, or a recovery code, where there is a second factor. For an account that has neither, since it
// signs in elsewhere, having signed in within the last ten minutes is enough.
type Proof struct {
	Password, Code string
}

// SignedIn is a session that has begun.
type SignedIn struct {
	User    Account
	Cookie  string // its secret value, for a cookie that scripts cannot read
	CSRF    string
	Expires time.Time
}

// Account is a user as he sees himself.
type Account struct {
	ID           EntryID    `json:"_id"`
	Email        string     `json:"email"`
	Name         string     `json:"name"`
	Roles        []string   `json:"roles"`
	Locale       Locale     `json:"locale,omitempty"`
	Organization EntryID    `json:"organization,omitempty"`
	EndsAt       *time.Time `json:"endsAt"`
	TOTP         bool       `json:"totp"`         // a second factor is asked for
	TOTPRequired bool       `json:"totpRequired"` // a role asks for one and there is none: nothing else works until there is
}

// Session is one of a user's sessions.
type Session struct {
	ID        EntryID   `json:"_id"`
	Current   bool      `json:"current"`
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt"`
	Address   string    `json:"address,omitempty"`
	Agent     string    `json:"agent,omitempty"`
}

// TOTPSetup is a second factor about to be turned on (RFC 6238).
type TOTPSetup struct {
	Secret string `json:"secret"` // base32, to be typed
	URL    string `json:"url"`    // otpauth://, to be shown as a QR code
}

// IdentityProvider is a place where people can sign in.
type IdentityProvider struct {
	Name  string `json:"name"`
	Label Text   `json:"label"`
}
