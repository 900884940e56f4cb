package httpapi

import "maps"

func joinedSchemas(a, b object) object {
	maps.Copy(a, b)
	return a
}

// accountSchemas are those of signing in.
func accountSchemas() object {
	text, flag := typed("string"), typed("boolean")
	account := fields("_id email name roles endsAt totp totpRequired", object{"_id": text, "email": text, "name": text, "roles": listOf(text), "locale": text, "organization": text,
		"endsAt": object{"type": []any{"string", "null"}, "format": "date-time"}, "totp": described("boolean", "A second factor is asked for."),
		"totpRequired": described("boolean", "A role asks for a second factor and there is none: nothing else works until there is.")})
	return object{
		"Account":  account,
		"SignIn":   fields("email password", object{"email": text, "password": text, "otp": described("string", "A code of the second factor, or a recovery code.")}),
		"SignedIn": fields("user csrf", object{"user": schemaRef("Account"), "csrf": described("string", "What writes with this session send as X-CSRF-Token.")}),
		"Me":       fields("user roles csrf", object{"user": object{"anyOf": []any{schemaRef("Account"), typed("null")}}, "roles": listOf(text), "csrf": text}),
		"PasswordChange": fields("current password", object{"current": text, "password": text,
			"revokeTokens": described("boolean", "Revoke the API tokens that act for the account, or that it has made, as well.")}),
		"Forgot":       fields("email", object{"email": text}),
		"Reset":        fields("token password", object{"token": text, "password": text}),
		"ResetForm":    fields("token password again", object{"token": text, "password": text, "again": described("string", "The same password.")}),
		"ResetLinkFor": fields("user", object{"user": described("string", "The identifier of an entry of _user, or its e-mail address.")}),
		"ResetLink":    fields("link expiresAt", object{"link": text, "note": described("string", "What to do with a link that is only a path."), "expiresAt": moment("Until when it holds.")}),
		"TOTPSetup":    fields("secret url", object{"secret": described("string", "Base32, to be typed."), "url": described("string", "otpauth://, to be shown as a QR code.")}),
		"TOTPCode":     fields("code", object{"code": text}),
		"Proof": fields("", object{"password": described("string", "Of an account that has one."),
			"code": described("string", "A code, or a recovery code, where there is a second factor.")}),
		"RecoveryCodes": fields("recovery", object{"recovery": listOf(text)}),
		"SessionList": fields("data", object{"data": listOf(fields("_id current createdAt expiresAt", object{"_id": text, "current": flag, "createdAt": moment("When it began."),
			"expiresAt": moment("When it ends."), "address": text, "agent": text}))}),
		"ProviderList": fields("data", object{"data": listOf(fields("name label", object{"name": text, "label": object{"type": "object", "additionalProperties": text}}))}),
	}
}
