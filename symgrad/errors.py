"""Every exception that symgrad raises on purpose: each names the thing, the place and the cure."""


class SymgradError(Exception):
    """Base of every error below; the command prints it without a traceback and exits with 2."""


class FormulaError(SymgradError):
    """A formula's text cannot be read; the message shows the line and a caret under the place."""


class UnknownFunctionError(FormulaError):
    """A function has no row in the table: see ``symgrad functions`` for those that have."""


class UnknownSymbolError(FormulaError):
    """A symbol is neither an input nor a parameter: declare it, or correct its spelling."""


class UnsupportedExpressionError(SymgradError):
    """A SymPy object has no meaning as real arithmetic at a point: a set, an integral."""


class DuplicateNameError(SymgradError):
    """A name is declared twice among the inputs, the parameters and the definitions."""


class EmptySystemError(SymgradError):
    """A system has no outputs or no inputs."""


class DerivativeError(SymgradError):
    """A derivative does not exist, is not named rightly or has no closed form."""


class LimitError(SymgradError):
    """A formula or a request is larger than a stated limit (digits, exponent, order, memory)."""


class OptionError(SymgradError):
    """An option has a value outside the allowed ones, which the message lists."""


class ShapeError(SymgradError):
    """An array's shape does not fit; the message gives the shape that was expected."""


class DtypeError(SymgradError):
    """An array's dtype cannot be used without losing information."""


class ArgumentError(SymgradError):
    """A call has an argument too many, too few, or of the wrong kind."""


class ProblemFileError(SymgradError):
    """A problem file is not valid TOML or has an unknown or missing entry."""


class FileFormatError(SymgradError):
    """A data file cannot be read or written in the format that its name says."""


class MissingDependencyError(SymgradError):
    """An optional library is needed; the message names the extra that installs it."""


class InvariantError(SymgradError):
    """A Graph or a Program breaks a rule of ``ir/verify.py``: a defect in symgrad itself."""


class KernelError(SymgradError):
    """A kernel cannot be compiled or loaded on this machine."""


class DeviceError(SymgradError):
    """A GPU cannot be used: its package, driver or memory is missing, or arrays lie elsewhere."""


class SymgradWarning(UserWarning):
    """Something was accepted with a stated change of meaning, such as a dropped DiracDelta."""
