"""engine/release"""
