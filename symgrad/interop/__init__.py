"""interop: files and outside libraries; each optional library is imported in one module here."""
