// Package sealed is the codec of sealed tokens: how a text of a few fields is encrypted to stand in a URL, and read again.
//
//	fields   XML, JSON or form-url
//	   │ Seal                                        ▲ ParseFields
//	plaintext ──▶ pad ──▶ AES ──▶ IV in front? ──▶ Base64 ──▶ (URL-encoded by whoever puts it in a URL)
//
// There are two families. GCM is authenticated: what was changed anywhere doesn't open, nor does what was sealed for another
// project or parameter. CBC and ECB are for clients of old, which can't do better: their tokens can be made from others without
// the key, in part or whole, and whoever believes one believes that nobody did (see Settings.Forgeable).
//
// The package knows no projects, users or clocks. It refuses settings by which nothing could be decrypted as it was meant, and,
// in one way and after the same work, every token that doesn't open: see Cipher.Open. It doesn't promise that reading a text takes
// as long whatever the text is: who reads what wasn't sound does so in order to have done it, and then refuses.
package sealed
