"""What can be wrong with a code, a product number, a link or a print order."""

from core.errors import N_, YimaError


class Unreadable(YimaError):
    """What was scanned or typed can't be meant as any code; nobody need have forged anything."""

    code = "unreadable"
    message = N_(
        "This is no code. Scan it once more, or type the 20 letters and digits beside the QR code."
    )


class MalformedSerial(Unreadable):
    """Not the shape of a serial at all; nobody need have forged anything."""

    code = "malformed_serial"
    message = N_(
        "A serial has 20 letters and digits, without I, L, O and U. Check it against the label."
    )


class ForgedSerial(YimaError):
    """The right shape, but no key of ours made it."""

    code = "forged_serial"
    status = 404
    message = N_("We didn't issue this code.")


class NumbersOutOfRange(YimaError):
    code = "numbers_out_of_range"
    message = N_(
        "Numbers %(lo)s up to %(hi)s can't be issued: "
        "a range runs upward and stays within 0 to %(end)s. Order fewer codes or use a new key."
    )


class InvalidGtin(Unreadable):
    code = "invalid_gtin"
    message = N_("“%(given)s” is not a GTIN: %(reason)s.")


class WrongGtinLength(InvalidGtin):
    message = N_(
        "“%(given)s” is not a GTIN: it has %(count)s digits and must have 8, 12, 13 or 14."
    )


class MistypedGtin(InvalidGtin):
    """All but the check digit is as it must be."""

    message = N_(
        "“%(given)s” is not a GTIN: its last digit is %(last)s and must be %(right)s; "
        "a digit is mistyped."
    )


class InvalidSscc(Unreadable):
    code = "invalid_sscc"
    message = N_("“%(given)s” is not an SSCC: %(reason)s.")


class MistypedSscc(InvalidSscc):
    """All but the check digit is as it must be."""

    message = N_(
        "“%(given)s” is not an SSCC: its last digit is %(last)s and must be %(right)s; "
        "a digit is mistyped."
    )


class WrongSsccLength(InvalidSscc):
    message = N_("“%(given)s” is not an SSCC: it has %(count)s digits and must have 18.")


class WrongDigitCount(Unreadable):
    code = "wrong_digit_count"
    message = N_(
        "“%(given)s” has %(count)s digits. A product's number (GTIN) must have 8, 12, 13 or 14, a "
        "carton's (SSCC) 18. If it comes from a spreadsheet, set the column to text: "
        "spreadsheets drop zeros at the start."
    )


class LostZeros(Unreadable):
    """What a spreadsheet leaves of a number that begins with zeros."""

    code = "lost_zeros"
    message = N_(
        "“%(given)s” has lost a zero at its start: a spreadsheet took it for a quantity. Set the "
        "column to text before the numbers are entered, or put the zero back: %(meant)s."
    )


class RoundedNumber(Unreadable):
    """What a spreadsheet leaves of a number of many digits."""

    code = "rounded_number"
    message = N_(
        "“%(given)s” was changed by a spreadsheet, which keeps 15 digits at most and writes long "
        "numbers with an E. Set the column to text and enter the number anew."
    )


class NotAnItem(Unreadable):
    """A product's number where the code of a single item or carton is asked for."""

    code = "not_an_item"
    message = N_(
        "“%(given)s” is a product's number (GTIN), and all items of it bear the same. "
        "Scan or type the code of the single item: 20 letters and digits."
    )


class MalformedLink(Unreadable):
    code = "malformed_link"
    message = N_("This is not a link of one of our codes: %(reason)s.")


class NumberOfCarton(Unreadable):
    code = "number_of_carton"
    message = N_(
        "“%(given)s” is a carton's number (SSCC). Scan or type the code of the single item: 20 "
        "letters and digits."
    )


class WrongOrderInLink(MalformedLink):
    code = "wrong_order_in_link"
    message = N_(
        "In a GS1 Digital Link the variant (22) comes first, then the lot (10), then the serial "
        "(21). This link has them in another order."
    )


class RestrictedGtin(YimaError):
    """A number that is good within a shop, a company or a region only."""

    code = "restricted_gtin"
    status = 409
    message = N_(
        "GTIN %(gtin)s is of a range for use within a shop, a company or a region, or for "
        "coupons: others may use the same number. Check it against the barcode; if it is right, "
        "tick that you want it."
    )


class InvalidHost(YimaError):
    code = "invalid_host"
    message = N_(
        "“%(given)s” can't be the host of a link. Write it like “example.com” or “127.0.0.1:8000”."
    )


class DoubtfulHost(YimaError):
    """A host that can be printed, and that consumers' phones would hardly reach."""

    code = "doubtful_host"
    message = N_(
        "Phones of consumers will hardly reach “%(given)s”: %(reason)s. Give the public name, or "
        "tick that it is to be printed all the same."
    )


class UndrawableText(YimaError):
    code = "undrawable_text"
    message = N_("A QR code of this text can't be drawn: shorten it and use ordinary characters.")


class InvalidSheet(YimaError):
    code = "invalid_sheet"
    message = N_("Labels can't be laid out like this: %(reason)s.")


class TooManyAtOnce(YimaError):
    """A file is bounded; more goes into more files."""

    code = "too_many_at_once"
    message = N_("One file holds at most %(limit)s %(what)s. Write several files.")


class WeakPassword(YimaError):
    code = "weak_password"
    message = N_("The password of a code package needs at least %(least)s characters.")


class UnportablePassword(YimaError):
    """Programs differ in the bytes of such a password: what one packed, another can't open."""

    code = "unportable_password"
    message = N_(
        "Not every program opens a ZIP file with this password. Use at most %(most)s characters: "
        "letters without accents, digits, blanks and signs of an English keyboard (ASCII), "
        "nothing in full width."
    )


class KeyNotFound(YimaError):
    code = "key_not_found"
    status = 404
    message = N_("There is no signing key %(key_id)s of this brand.")


class WrongKeyEncryptionKey(YimaError):
    code = "wrong_key_encryption_key"
    status = 500
    message = N_(
        "YIMA_KEY_ENCRYPTION_KEY is not the one that signing key %(key_id)s was wrapped under. "
        "Set the one that this installation began with."
    )


class ProductExists(YimaError):
    code = "product_exists"
    status = 409
    message = N_("GTIN %(gtin)s is already the product “%(product)s”. Use that, or another GTIN.")


class ProductNotFound(YimaError):
    code = "product_not_found"
    status = 404
    message = N_("This product is not one of the brand's. Register it first.")


class OrderNotFound(YimaError):
    code = "order_not_found"
    status = 404
    message = N_("The brand has no such order of codes. Check its name in the list of orders.")


class OrderConflict(YimaError):
    code = "order_conflict"
    status = 409
    message = N_(
        "“%(external_id)s” was ordered before with other content. "
        "Repeat it exactly to get the same order, or give the new one a name of its own."
    )


class OrderTooLarge(YimaError):
    code = "order_too_large"
    message = N_("An order has 1 to %(limit)s codes, not %(quantity)s. Split it.")


class NumbersOutsideOrder(YimaError):
    code = "numbers_outside_order"
    message = N_(
        "Numbers %(first)s to %(last)s are not in this order. It has the numbers 1 to %(quantity)s."
    )


class OtherProduct(YimaError):
    code = "other_product"
    status = 409
    message = N_(
        "The codes of “%(external_id)s” were printed for another product: its GTIN is in their "
        "links. Leave the product as ordered, or order codes without a product."
    )


class NotActivatable(YimaError):
    code = "not_activatable"
    status = 409
    message = N_(
        "Numbers %(first)s to %(last)s are %(state)s already, with other particulars. "
        "Nothing was activated: choose numbers that are not activated yet."
    )


class WrongState(YimaError):
    code = "wrong_state"
    status = 409
    message = N_(
        "Numbers %(first)s to %(last)s are %(state)s: %(action)s does not apply to them. "
        "Nothing was changed: choose other numbers."
    )
