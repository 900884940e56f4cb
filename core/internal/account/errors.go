package account

import (
	"time"

	"github.com/palabre-cms/palabre/core"
)

// wrong makes the error of one field that breaks a rule.
func wrong(pointer, keyword, en, fr string) error {
	return core.Invalid(core.FieldError{Pointer: pointer, Keyword: keyword, Message: en, Texts: core.Text{"en": en, "fr": fr}})
}

func errSignIn() error {
	return core.Refuse(core.CodeUnauthenticated, "", "Sign in first.", "Connectez-vous d’abord.")
}

func errNoSession() error {
	return core.Refuse(core.CodeUnauthenticated, "session", "The session has ended. Sign in again.", "La session est terminée. Reconnectez-vous.")
}

// errBadLogin is the one answer to whoever does not get in, whatever the reason.
func errBadLogin() error {
	return core.Refuse(core.CodeUnauthenticated, "credentials", "The e-mail address or the password is wrong.", "L’adresse électronique ou le mot de passe est incorrect.")
}

func errWrongPassword() error {
	return core.Refuse(core.CodeForbidden, "password", "The password is wrong.", "Le mot de passe est incorrect.")
}

func errOTPRequired() error {
	return core.Refuse(core.CodeUnauthenticated, "otp_required", "Send the code of your authenticator, or a recovery code, as well.",
		"Indiquez aussi le code de votre application d’authentification, ou un code de secours.")
}

func errWrongCode(code core.Code) error {
	err := core.Refuse(code, "otp_invalid", "The code is wrong, or was used before. Wait for the next one.",
		"Le code est incorrect ou a déjà servi. Attendez le suivant.")
	if code == core.CodeInvalid {
		err.Fields = []core.FieldError{{Pointer: "/code", Keyword: "otp", Message: err.Message, Texts: err.Texts}}
	}
	return err
}

func errTooMany(wait time.Duration) error {
	seconds := max(1, int((wait+time.Second-1)/time.Second))
	err := core.Refuse(core.CodeRateLimited, "", "Too many attempts. Wait a moment, then try again.", "Trop de tentatives. Patientez un moment avant de réessayer.")
	err.Extra = map[string]any{"retryAfter": seconds}
	return err
}

// errOwnFactor sends an administrator to where his password and a code are asked for: with an open session alone nobody gets
// rid of the factor.
func errOwnFactor() error {
	return core.Refuse(core.CodeForbidden, "own_factor", "Turn off your own second factor at DELETE /api/v1/auth/totp, with your password and a code.",
		"Désactivez votre propre second facteur par DELETE /api/v1/auth/totp, avec votre mot de passe et un code.")
}

func errNoFactor() error {
	return core.Refuse(core.CodeConflict, "totp_off", "There is no second factor on this account.", "Ce compte n’a pas de second facteur.")
}
